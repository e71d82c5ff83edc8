-- Movements of the past. A page has up to 500 of one product and month, and what the ledger adds up to after them: the
-- opening balance of everything later. Pages of a product are made in the order of the ledger, without a gap.
create table archive.ledger_pages (
  product_id kernel.product_id not null references catalog.products (id),
  month date not null,
  first_id kernel.movement_id not null,
  last_id kernel.movement_id not null,
  movements smallint not null check (movements between 1 and 500),
  on_hand bigint not null,
  reserved bigint not null,
  entries jsonb not null check (jsonb_typeof(entries) = 'array'),
  primary key (product_id, last_id),
  constraint page_in_order check (first_id <= last_id)
);

-- The columns of stock.movements, and those of the page that has the movement: what a look-up leaves out and follows.
create view archive.movements as
  select p.product_id, p.first_id as page_first, p.last_id as page_last,
    m.id, m.kind, m.quantity, m.reserved, m.reason, m.order_id, m.created_at
  from archive.ledger_pages p, jsonb_populate_recordset(null::stock.movements, p.entries) m;

-- What a product's ledger had added up to when a month began, one row for each month with archived movements.
create view archive.opening_balances as
  select product_id, month, coalesce(lag(on_hand) over w, 0) as on_hand, coalesce(lag(reserved) over w, 0) as reserved
  from (select distinct on (product_id, month) product_id, month, on_hand, reserved
        from archive.ledger_pages order by product_id, month, last_id desc) m
  window w as (partition by product_id order by month);

-- Moves movements from the ledger to the archive, of up to 200 products after `after` and up to about `most` in all: those
-- before the id `before`, up to the first of an order that is not archived. Returns how many, and the product to go on
-- after; null at the end.
create function archive.move_movements(after text, before text, most integer, out moved integer, out reached text)
language plpgsql security definer set search_path = '' as $$
declare
  product text;
  here integer;
  seen integer := 0;
begin
  moved := 0;
  reached := after;
  if not pg_try_advisory_xact_lock(hashtextextended('counterfoil archive', 0)) then
    return;
  end if;
  for product in
    select l.product_id from stock.levels l where l.product_id > after order by l.product_id limit 200
  loop
    with head as (
      select m.id, m.order_id is not null and exists (select from orders.orders o where o.id = m.order_id) as live
      from stock.movements m
      where m.product_id = product and m.id < before
      order by m.id
      limit least(most, 500)
    ),
    prefix as (select id from (select h.id, bool_or(h.live) over (order by h.id) as stop from head h) s where not stop),
    gone as (delete from stock.movements m where m.id = any (array(select id from prefix)) returning m.*),
    dated as (
      select g.id, to_jsonb(g) as entry, g.quantity, g.reserved,
        max(date_trunc('month', g.created_at at time zone 'UTC')::date) over (order by g.id) as month
      from gone g
    ),
    paged as (
      insert into archive.ledger_pages (product_id, month, first_id, last_id, movements, on_hand, reserved, entries)
      select product, d.month, min(d.id), max(d.id), count(*),
        coalesce(min(b.on_hand), 0) + sum(sum(d.quantity)) over w, coalesce(min(b.reserved), 0) + sum(sum(d.reserved)) over w,
        jsonb_agg(d.entry order by d.id)
      from dated d
      left join lateral (
        select p.on_hand, p.reserved from archive.ledger_pages p where p.product_id = product order by p.last_id desc limit 1
      ) b on true
      group by d.month
      window w as (order by d.month)
      returning movements, last_id
    ),
    -- The archive stands for everything before, so these are not needed any more.
    forgotten as (
      delete from monitor.opening_balances o
      where o.product_id = product and o.before <= (select max(last_id) from paged)
    )
    select coalesce(sum(movements), 0) into here from paged;
    moved := moved + here;
    if here >= least(most, 500) then
      return; -- There may be more of this product.
    end if;
    reached := product;
    seen := seen + 1;
    if moved >= most then
      return;
    end if;
  end loop;
  if seen < 200 then
    reached := null;
  end if;
end
$$;
revoke all on function archive.move_movements(text, text, integer) from public;

-- What a ledger adds up to after each of its archived pages. The last one of a product counts.
create view monitor.archived_ledger as
  select product_id, last_id, on_hand, reserved from archive.ledger_pages;

-- Archived pages beside the movements that they hold.
create view monitor.archived_pages as
  select p.product_id, p.last_id,
    (p.on_hand - coalesce(e.on_hand, 0), p.reserved - coalesce(e.reserved, 0), p.movements)
      = (m.on_hand, m.reserved, m.count) as agrees
  from archive.ledger_pages p
  left join lateral (
    select on_hand, reserved from archive.ledger_pages where product_id = p.product_id and last_id < p.last_id
    order by last_id desc limit 1
  ) e on true,
  lateral (
    select sum(r.quantity) as on_hand, sum(r.reserved) as reserved, count(*) as count
    from jsonb_populate_recordset(null::stock.movements, p.entries) r
  ) m;

-- Each level beside the sum of its ledger: what the ledger added up to before, and the movements since.
create view monitor.stock_balances as
  select l.product_id, l.on_hand, l.reserved,
    coalesce(o.on_hand, a.on_hand, 0) + m.on_hand as ledger_on_hand,
    coalesce(o.reserved, a.reserved, 0) + m.reserved as ledger_reserved
  from stock.levels l
  left join lateral (
    select before, on_hand, reserved from monitor.opening_balances
    where product_id = l.product_id
    order by month desc
    limit 1
  ) o on true
  left join lateral (
    select on_hand, reserved from monitor.archived_ledger
    where product_id = l.product_id and o.before is null
    order by last_id desc
    limit 1
  ) a on true,
  lateral (
    select coalesce(sum(quantity), 0) as on_hand, coalesce(sum(reserved), 0) as reserved
    from stock.movements
    where product_id = l.product_id and id >= coalesce(o.before, '')
  ) m;

-- Invariant 1: a level is the sum of its ledger, and no more is reserved than there is.
create view monitor.stock_violations as
  select product_id from monitor.stock_balances
  where (on_hand, reserved) is distinct from (ledger_on_hand, ledger_reserved) or reserved < 0 or reserved > on_hand;

-- A product's opening balances beside the movements that they stand for.
create view monitor.ledger_months as
  select b.product_id, b.month,
    (b.on_hand - coalesce(earlier.on_hand, a.on_hand, 0), b.reserved - coalesce(earlier.reserved, a.reserved, 0))
        = (m.on_hand, m.reserved)
      and (select l.product_id from stock.levels l where l.product_id = b.product_id) is not null as agrees
  from monitor.opening_balances b
  left join lateral (
    select before, on_hand, reserved from monitor.opening_balances
    where product_id = b.product_id and month < b.month
    order by month desc
    limit 1
  ) earlier on true
  left join lateral (
    select on_hand, reserved from monitor.archived_ledger
    where product_id = b.product_id and earlier.before is null
    order by last_id desc
    limit 1
  ) a on true,
  lateral (
    select coalesce(sum(quantity), 0) as on_hand, coalesce(sum(reserved), 0) as reserved
    from stock.movements
    where product_id = b.product_id and id >= coalesce(earlier.before, '') and id < b.before
  ) m;

-- What reconciliation compares of archived orders.
create view monitor.archived_order_balances as
  select o.id as order_id, o.status, o.total, o.currency, o.updated_at as changed_at, p.id as payment_id,
    p.provider as payment_provider, p.reference as payment_reference, p.status as payment_status,
    p.amount - coalesce(p.released_amount, 0) as payment_amount, p.currency as payment_currency,
    case p.status when 'refunded' then p.amount else p.refunded_amount end - coalesce(p.released_amount, 0) as payment_refunded,
    p.status = 'captured' and p.refund_claimed > p.refunded_amount as refund_open
  from archive.orders o
  left join archive.payments p on p.order_id = o.id;

grant select on archive.movements to catalog_api, manual_review;
grant usage on schema archive to catalog_api;
grant execute on function archive.move_movements(text, text, integer) to jobs;
grant select on monitor.stock_balances, monitor.stock_violations, monitor.ledger_months, monitor.archived_ledger,
  monitor.archived_pages to monitor;
grant select on monitor.stock_balances, monitor.archived_order_balances to reconciler;

-- Figures about the shop. The functions read every schema; whoever may call them sees the figures alone.
create schema reports;

-- For reports of a few months among years of orders. A block range costs writers nothing.
create index orders_by_confirmation on orders.orders using brin (confirmed_at) with (pages_per_range = 32, autosummarize = on);
create index refunds_given on payments.refunds (updated_at) where status = 'succeeded';
create index payments_given_back on payments.payments (refunded_at) where status = 'refunded';
create index payments_voided on payments.payments (voided_at) where status = 'voided';

-- What was sold and what was given back on each day of a time zone, from the day `from_day` up to the day before `to_day`,
-- by currency. Amounts are in minor units. A sale counts on the day on which its order was confirmed, money given back on
-- the day on which it was, whatever became of the order since. Days without either have no row.
create function reports.get_sales_report(from_day date, to_day date, zone text)
returns table (
  day date, currency text, orders bigint, units bigint, subtotal bigint, discounts bigint, sales bigint, refunds bigint,
  net bigint
)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
#variable_conflict use_column
declare
  -- Variables, so that the plan knows how long the period is.
  begins constant timestamptz := from_day::timestamp at time zone zone;
  ends constant timestamptz := to_day::timestamp at time zone zone;
begin
  return query
  -- Only pages in whose time something of the period can lie are unpacked.
  with archived as materialized (
    select d.value as document
    from archive.pages p, jsonb_each(p.documents) d
    where p.first_at < ends and p.last_at >= begins
  ),
  live as materialized (
    select o.id, o.confirmed_at, o.currency, o.subtotal, o.discount_amount, o.total
    from orders.orders o
    where o.confirmed_at >= begins and o.confirmed_at < ends
  ),
  sold as (
    select confirmed_at, currency, 1 as orders, 0 as units, subtotal, discount_amount, total from live
    union all
    select s.confirmed_at, s.currency, 0, l.quantity, 0, 0, 0 from live s join orders.lines l on l.order_id = s.id
    union all
    select o.confirmed_at, o.currency, 1,
      (select sum(l.quantity) from jsonb_populate_recordset(null::orders.lines, a.document -> 'lines') l),
      o.subtotal, o.discount_amount, o.total
    from archived a, jsonb_populate_record(null::orders.orders, a.document -> 'order') o
    where o.confirmed_at >= begins and o.confirmed_at < ends
  ),
  given_back (at, currency, amount) as (
    select r.updated_at, r.currency, r.amount from payments.refunds r
    where r.status = 'succeeded' and r.updated_at >= begins and r.updated_at < ends
    union all
    -- A payment that is given back whole: what its partial refunds have left.
    select p.refunded_at, p.currency, p.amount - p.refunded_amount from payments.payments p
    where p.status = 'refunded' and p.refunded_at >= begins and p.refunded_at < ends
    union all
    -- A payment that was never captured: its order counts as a sale since it was confirmed.
    select p.voided_at, p.currency, p.amount - p.refunded_amount from payments.payments p
    where p.status = 'voided' and p.voided_at >= begins and p.voided_at < ends
    union all
    select r.updated_at, r.currency, r.amount
    from archived a, jsonb_populate_recordset(null::payments.refunds, a.document -> 'refunds') r
    where r.status = 'succeeded' and r.updated_at >= begins and r.updated_at < ends
    union all
    select p.refunded_at, p.currency, p.amount - p.refunded_amount
    from archived a, jsonb_populate_recordset(null::payments.payments, a.document -> 'payments') p
    where p.status = 'refunded' and p.refunded_at >= begins and p.refunded_at < ends
    union all
    select p.voided_at, p.currency, p.amount - p.refunded_amount
    from archived a, jsonb_populate_recordset(null::payments.payments, a.document -> 'payments') p
    where p.status = 'voided' and p.voided_at >= begins and p.voided_at < ends
  ),
  daily as (
    select (confirmed_at at time zone zone)::date as day, currency, sum(orders) as orders, sum(units) as units,
      sum(subtotal) as subtotal, sum(discount_amount) as discounts, sum(total) as sales, 0::numeric as refunds
    from sold group by 1, 2
    union all
    select (at at time zone zone)::date, currency, 0, 0, 0, 0, 0, sum(amount) from given_back group by 1, 2
  )
  select day, currency::text, sum(orders)::bigint, sum(units)::bigint, sum(subtotal)::bigint, sum(discounts)::bigint,
    sum(sales)::bigint, sum(refunds)::bigint, (sum(sales) - sum(refunds))::bigint
  from daily
  group by day, currency
  order by day, currency;
end
$$;
revoke all on function reports.get_sales_report(date, date, text) from public;
