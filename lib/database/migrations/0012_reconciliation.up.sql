do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'reconciler') then
    create role reconciler login;
  end if;
  execute format('grant connect on database %I to reconciler', current_database());
end
$$;
grant rds_iam to reconciler;
alter role reconciler set search_path = '';
alter role reconciler set statement_timeout = '60s';
alter role reconciler set lock_timeout = '4s';
alter role reconciler set idle_in_transaction_session_timeout = '10s';

create domain kernel.finding_id as text collate "C" check (value ~ '^fnd_[0-9a-f]{32}$');

-- Where provider, orders and stock ledger disagree. A row stays when the thing is settled: it says when.
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
-- A repair is made once, whatever becomes of its finding: nothing deletes its row.
create unique index findings_repaired_once on monitor.findings (repair_key) where repair_key is not null;
create index findings_being_repaired on monitor.findings (id) where repair = 'started';

create view monitor.order_balances as
  select
    o.id as order_id,
    o.status,
    o.total,
    o.currency,
    -- When anything last happened to the order or to a refund of it.
    greatest(o.updated_at, (select max(r.updated_at) from payments.refunds r where r.order_id = o.id)) as changed_at,
    p.id as payment_id,
    p.provider as payment_provider,
    p.reference as payment_reference,
    p.status as payment_status,
    p.amount as payment_amount,
    p.currency as payment_currency,
    case p.status when 'refunded' then p.amount else p.refunded_amount end as payment_refunded,
    p.status = 'captured' and p.refund_claimed > p.refunded_amount as refund_open
  from orders.orders o
  left join payments.payments p on p.order_id = o.id;

create view monitor.kept_stock as
  select r.order_id, r.product_id, r.quantity, r.state, r.expires_at,
    -- Looked up one by one, so that no plan reads every order there is; null when there is no such order.
    (select o.status from orders.orders o where o.id = r.order_id) as status
  from stock.reservations r
  where r.state in ('held', 'committed');

create view monitor.stock_balances as
  select l.product_id, l.on_hand, l.reserved, m.on_hand as ledger_on_hand, m.reserved as ledger_reserved
  from stock.levels l,
    lateral (
      select coalesce(sum(quantity), 0)::integer as on_hand, coalesce(sum(reserved), 0)::integer as reserved
      from stock.movements
      where product_id = l.product_id
    ) m;

grant usage on schema kernel, monitor, stock to reconciler;
grant select, insert on monitor.findings to reconciler;
grant update (details, advice, last_seen, cleared_at, repair, repair_key, repair_input, repaired_at)
  on monitor.findings to reconciler;
grant select on monitor.order_balances, monitor.kept_stock, monitor.stock_balances to reconciler;
grant select on stock.reservations, stock.movements to reconciler;
grant update (state) on stock.reservations to reconciler;
grant insert on stock.movements to reconciler;
grant select on monitor.findings to monitor;
