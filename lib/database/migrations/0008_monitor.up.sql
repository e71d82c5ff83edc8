-- What operations watch. Readers pass the time themselves, because a view cannot ask the clock of the process that
-- reads it; the views that are read each minute run over indexes.
create schema monitor;

-- Where provider, orders and stock ledger disagree. A finding stays when it is settled, and says when that was.
create table monitor.findings (
  id kernel.finding_id primary key,
  kind text collate "C" not null,
  subject text collate "C" not null,
  details jsonb not null,
  advice text not null,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  cleared_at timestamptz,
  repair text collate "C" check (repair in ('started', 'done', 'failed')),
  repair_key text collate "C",
  repair_input jsonb,
  repaired_at timestamptz,
  constraint repair_has_its_key check ((repair is null) = (repair_key is null) and (repair is null) = (repaired_at is null))
);
create unique index findings_open on monitor.findings (kind, subject) where cleared_at is null;
-- A repair is made once, whatever becomes of its finding: no row is ever deleted.
create unique index findings_repaired_once on monitor.findings (repair_key) where repair_key is not null;
create index findings_being_repaired on monitor.findings (id) where repair = 'started';

-- Two parts, because each has an index of its own.
create view monitor.open_orders as
  select id as order_id, status, updated_at
  from orders.orders
  where status in ('pending', 'reserved', 'cancelling')
  union all
  select id, status, updated_at
  from orders.orders
  where status = 'pending_payment';

-- An order whose compensation was run again and failed again waits since the first time.
create view monitor.manual_reviews_waiting as
  select o.id as order_id, o.updated_at,
    coalesce((select min(r.opened_at) from orders.manual_reviews r where r.order_id = o.id), o.updated_at) as waiting_since
  from orders.orders o
  where o.status = 'needs_attention';

-- What a product's ledger added up to before a movement's id, one row for each month with movements. The last row of a
-- product moves on with its checks, so that a check sums the movements since then and not the whole ledger. The rows can
-- be deleted at any time: they are made anew from the ledger.
create table monitor.opening_balances (
  product_id kernel.product_id not null,
  month text collate "C" not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
  before kernel.movement_id not null,
  on_hand bigint not null,
  reserved bigint not null,
  primary key (product_id, month)
);

-- How far each check has come: what changed is checked soon, and everything else in slices.
create table monitor.checks (
  name text collate "C" primary key,
  -- Everything that changed before this time has been checked.
  changed_until timestamptz not null,
  -- Where to go on with what changed since, when a run was out of time, and when that look began; else empty.
  changed_after text collate "C" not null default '',
  changes_since timestamptz,
  -- The last key of the slice that was checked last; empty before the first.
  reached text collate "C" not null default '',
  pass_started_at timestamptz not null,
  -- When the last complete pass began, or the first pass while none is complete: no row was left unchecked for longer.
  covered_since timestamptz not null
);

-- Violations of invariants, kept until a check finds the row in order, because a slice does not come upon it each time.
create table monitor.violations (
  invariant text collate "C" not null,
  subject text collate "C" not null,
  first_seen timestamptz not null,
  primary key (invariant, subject)
);

-- Orders that have ended, in parts that each follow an index.
create view monitor.ended_orders as
  select id as order_id, status, updated_at from orders.orders where status in ('confirmed', 'failed', 'cancelled');

-- The movements of products, without their reasons and orders. An id tells the time at which it was made.
create view monitor.ledger as
  select id as movement_id, product_id, quantity, reserved from stock.movements;

-- Invariant 2: an order that failed or was cancelled keeps no money, and none is held for it.
create view monitor.payment_violations as
  select o.id as order_id
  from payments.payments p
  join orders.orders o on o.id = p.order_id
  where p.status in ('authorized', 'captured') and o.status in ('failed', 'cancelled');

-- Invariant 3: a confirmed order has its payment and its stock.
create view monitor.confirmation_violations as
  select o.id as order_id
  from orders.orders o
  where o.status = 'confirmed' and (
    not exists (
      select from payments.payments p
      where p.order_id = o.id and p.status in ('authorized', 'captured') and p.amount = o.total
    )
    or exists (
      select from orders.lines l
      left join stock.reservations r on r.order_id = l.order_id and r.product_id = l.product_id
      where l.order_id = o.id and l.cancelled < l.quantity
        and (r.state, r.quantity) is distinct from ('committed', l.quantity - l.cancelled)
    )
  );

-- The money of an order, for reconciliation with the provider, and as the provider counts: what was released before the capture
-- it neither took nor gave back.
create view monitor.order_balances as
  select
    o.id as order_id,
    o.status,
    o.total,
    o.currency,
    -- The last time that anything happened to the order or to a refund of it.
    greatest(o.updated_at, (select max(r.updated_at) from payments.refunds r where r.order_id = o.id)) as changed_at,
    p.id as payment_id,
    p.provider as payment_provider,
    p.reference as payment_reference,
    p.status as payment_status,
    p.amount - case p.status when 'authorized' then 0 else p.released_amount end as payment_amount,
    p.currency as payment_currency,
    case p.status when 'refunded' then p.amount else p.refunded_amount end - p.released_amount as payment_refunded,
    -- A refund or a capture is under way: nobody knows yet on which side it counts.
    p.status = 'captured' and p.refund_claimed > p.refunded_amount
      or p.status = 'authorized' and p.capture_requested_at is not null as refund_open
  from orders.orders o
  left join payments.payments p on p.order_id = o.id;

-- Captures that were requested and have not succeeded.
create view monitor.open_captures as
  select order_id, capture_requested_at from payments.payments
  where status = 'authorized' and capture_requested_at is not null;

-- The stock that orders hold or have taken, with the status of the order; null when the order does not exist.
create view monitor.kept_stock as
  select r.order_id, r.product_id, r.quantity, r.state, r.expires_at,
    -- One look-up for each row, so that no plan reads every order there is.
    (select o.status from orders.orders o where o.id = r.order_id) as status
  from stock.reservations r
  where r.state in ('held', 'committed');

grant usage on schema monitor to monitor, reconciler;

grant select on monitor.open_orders, monitor.manual_reviews_waiting, monitor.ended_orders, monitor.ledger,
  monitor.payment_violations, monitor.confirmation_violations, monitor.open_captures, monitor.findings to monitor;
grant select, insert, update, delete on monitor.opening_balances, monitor.violations to monitor;
grant select, insert, update on monitor.checks to monitor, reconciler;

grant select on monitor.order_balances, monitor.ended_orders, monitor.ledger, monitor.kept_stock to reconciler;
grant select (product_id), delete on monitor.opening_balances to reconciler;
grant select, insert on monitor.findings to reconciler;
grant update (details, advice, last_seen, cleared_at, repair, repair_key, repair_input, repaired_at)
  on monitor.findings to reconciler;
