-- What reports and analysts read. These views are a contract: tables may change, the columns here stay.
-- docs/analytics.md has them all.
create schema reporting;

-- Which server answers, and how old its data are at most, in milliseconds. A standby that has replayed everything it was sent
-- has the data of the moment when its primary sent the last message, which it does every two seconds, also when nothing
-- happens. Otherwise it has those of the last transaction that it replayed: a link that is cut is not fresh.
create function reporting.get_freshness(out source text, out lag_ms bigint)
language plpgsql volatile security definer set search_path = '' as $$
declare
  as_of timestamptz;
begin
  source := case when pg_is_in_recovery() then 'reader' else 'writer' end;
  if source = 'writer' then
    lag_ms := 0;
    return;
  end if;
  if to_regprocedure('pg_catalog.aurora_replica_status()') is not null then
    -- Aurora's readers share its storage. The row itself is old when the writer is not heard of.
    execute $aurora$
      select last_update_timestamp - replica_lag_in_msec * interval '1 millisecond'
      from pg_catalog.aurora_replica_status() where server_id = pg_catalog.aurora_db_instance_identifier()
    $aurora$ into as_of;
  else
    select r.last_msg_send_time into as_of from pg_catalog.pg_stat_wal_receiver r
    where r.status = 'streaming' and pg_last_wal_replay_lsn() >= r.latest_end_lsn
      and pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn();
  end if;
  as_of := coalesce(as_of, pg_last_xact_replay_timestamp());
  lag_ms := greatest(0, ceil(extract(epoch from clock_timestamp() - as_of) * 1000));
end
$$;
revoke all on function reporting.get_freshness() from public;

-- Which database counts the transactions here: its watermarks say nothing about those of another.
create function reporting.get_epoch() returns text
language sql stable security definer set search_path = ''
return (select s.system_identifier || '/' || d.oid from pg_control_system() s, pg_database d where d.datname = current_database());
revoke all on function reporting.get_epoch() from public;

-- When a day of a time zone begins: its first moment, also where the clock is set back at midnight and the hour comes twice.
create function reporting.day_begins(day date, zone text) returns timestamptz
language sql stable parallel safe set search_path = '' as $$
  select min(t) from (
    select day::timestamp at time zone zone - early as t from (values (interval '0'), ('30 minutes'), ('1 hour'), ('2 hours')) e (early)
  ) c
  where (t at time zone zone)::date >= day
$$;
revoke all on function reporting.day_begins(date, text) from public;

-- An order, live or archived. `first_at` and `last_at` are bounds of everything that happened to it: who asks for a period by
-- `confirmed_at` and also by `first_at < end and last_at >= begin` does not unpack the whole archive.
create view reporting.orders as
  select o.id as order_id, o.number, o.customer_id, o.status, o.currency, o.subtotal, o.discount_amount as discount, o.coupon_code,
    o.shipping_method, o.shipping_amount as shipping, o.tax_amount as tax, o.tax_included, o.total, o.payment_method,
    coalesce(o.shipping_address ->> 'country', o.former_country) as country, o.failure_code, o.created_at as placed_at, o.confirmed_at, o.updated_at as changed_at, o.created_at as first_at,
    o.updated_at as last_at, false as archived, o.application_id, o.segment
  from orders.orders o
  union all
  select o.id, o.number, o.customer_id, o.status, o.currency, o.subtotal, o.discount_amount, o.coupon_code,
    o.shipping_method, o.shipping_amount, o.tax_amount, o.tax_included, o.total, o.payment_method,
    coalesce(o.shipping_address ->> 'country', o.former_country), o.failure_code, o.created_at, o.confirmed_at, o.updated_at, p.first_at,
    p.last_at, true, o.application_id, o.segment
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_record(null::orders.orders, d.value -> 'order') o;

-- A line of an order. Everything about the product is as it was when the line was sold. `gross` less `discount` is what the line
-- cost the customer, `sales` the same with tax, `revenue` without.
create view reporting.order_lines as
  select l.order_id, l.position, l.product_id, l.sku, l.name, l.category_id, l.brand, l.quantity, l.unit_price,
    l.total as gross, l.discount, l.tax, l.total - l.discount + case when o.tax_included then 0 else l.tax end as sales,
    l.total - l.discount - case when o.tax_included then l.tax else 0 end as revenue, l.unit_cost, o.currency,
    o.customer_id, o.status, coalesce(o.shipping_address ->> 'country', o.former_country) as country, o.created_at as placed_at, o.confirmed_at,
    o.created_at as first_at, o.updated_at as last_at, o.application_id, o.segment
  from orders.orders o join orders.lines l on l.order_id = o.id
  union all
  select l.order_id, l.position, l.product_id, l.sku, l.name, l.category_id, l.brand, l.quantity, l.unit_price,
    l.total, l.discount, l.tax, l.total - l.discount + case when o.tax_included then 0 else l.tax end,
    l.total - l.discount - case when o.tax_included then l.tax else 0 end, l.unit_cost, o.currency,
    o.customer_id, o.status, coalesce(o.shipping_address ->> 'country', o.former_country), o.created_at, o.confirmed_at, p.first_at, p.last_at,
    o.application_id, o.segment
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_record(null::orders.orders, d.value -> 'order') o,
    jsonb_populate_recordset(null::orders.lines, d.value -> 'lines') l;

create view reporting.payments as
  select y.id as payment_id, y.order_id, y.provider, y.status, y.currency, y.amount,
    case when y.status in ('refunded', 'voided') then y.amount else y.refunded_amount end as refunded, y.captured_at, y.refunded_at,
    o.created_at as first_at, greatest(o.updated_at, y.refunded_at) as last_at
  from payments.payments y join orders.orders o on o.id = y.order_id
  union all
  select y.id, y.order_id, y.provider, y.status, y.currency, y.amount,
    case when y.status in ('refunded', 'voided') then y.amount else y.refunded_amount end, y.captured_at, y.refunded_at,
    p.first_at, p.last_at
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_recordset(null::payments.payments, d.value -> 'payments') y;

-- It has only what was given back whole.
create index payments_ended_whole on payments.payments (coalesce(refunded_at, voided_at)) where status in ('refunded', 'voided');

-- Money that was given back: in parts, which have an id, and whole, with what the parts had left. A payment that was never
-- captured is given back when it is voided, since its order counts as a sale from its confirmation on.
-- What partial refunds of an order gave back for a product, and for all that they name, with shipping.
create function reporting.add_up_refunds(refunds jsonb, product text, out quantity integer, out amount bigint, out named bigint)
language sql immutable parallel safe set search_path = '' as $$
  select coalesce(sum(n.quantity) filter (where n."productId" = product), 0)::integer,
    coalesce(sum(n.amount) filter (where n."productId" = product), 0)::bigint, coalesce(sum(n.amount), 0)::bigint
  from jsonb_array_elements(refunds) r, jsonb_to_recordset(
    coalesce(r -> 'lines', '[]') || jsonb_build_object('amount', r -> 'shipping_amount')
  ) as n ("productId" text, quantity integer, amount bigint)
  where r ->> 'status' = 'succeeded'
$$;
revoke all on function reporting.add_up_refunds(jsonb, text) from public;

create view reporting.refunds as
  select r.id as refund_id, r.payment_id, r.order_id, r.currency, r.amount, r.reason, r.updated_at as refunded_at,
    coalesce(o.shipping_address ->> 'country', o.former_country) as country, r.created_at as first_at, r.updated_at as last_at, o.application_id, o.segment
  from payments.refunds r join orders.orders o on o.id = r.order_id where r.status = 'succeeded'
  union all
  select null, y.id, y.order_id, y.currency, y.amount - y.refunded_amount, null, coalesce(y.refunded_at, y.voided_at),
    coalesce(o.shipping_address ->> 'country', o.former_country), coalesce(y.refunded_at, y.voided_at), coalesce(y.refunded_at, y.voided_at),
    o.application_id, o.segment
  from payments.payments y join orders.orders o on o.id = y.order_id where y.status in ('refunded', 'voided')
  union all
  select r.id, r.payment_id, r.order_id, r.currency, r.amount, r.reason, r.updated_at, coalesce(o.shipping_address ->> 'country', o.former_country),
    p.first_at, p.last_at, o.application_id, o.segment
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_record(null::orders.orders, d.value -> 'order') o,
    jsonb_populate_recordset(null::payments.refunds, d.value -> 'refunds') r
  where r.status = 'succeeded'
  union all
  select null, y.id, y.order_id, y.currency, y.amount - y.refunded_amount, null, coalesce(y.refunded_at, y.voided_at),
    coalesce(o.shipping_address ->> 'country', o.former_country), p.first_at, p.last_at, o.application_id, o.segment
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_record(null::orders.orders, d.value -> 'order') o,
    jsonb_populate_recordset(null::payments.payments, d.value -> 'payments') y
  where y.status in ('refunded', 'voided');

-- What was given back for a line. A payment that is given back whole gives back what is left of each line; if some of it went back
-- before without naming lines, the lines share what is left by their worth.
create view reporting.refund_lines as
  select r.id as refund_id, r.order_id, n."productId" as product_id, r.currency, n.quantity, n.amount, r.updated_at as refunded_at,
    r.created_at as first_at, r.updated_at as last_at
  from payments.refunds r, jsonb_to_recordset(r.lines) as n ("productId" text, quantity integer, amount bigint)
  where r.status = 'succeeded'
  union all
  select null, o.id, l.product_id, o.currency, l.quantity - g.quantity,
    floor((l.total - l.discount + case when o.tax_included then 0 else l.tax end - g.amount) * (y.amount - y.refunded_amount)
      / (y.amount - g.named)::numeric)::bigint,
    coalesce(y.refunded_at, y.voided_at), coalesce(y.refunded_at, y.voided_at), coalesce(y.refunded_at, y.voided_at)
  from payments.payments y join orders.orders o on o.id = y.order_id join orders.lines l on l.order_id = o.id,
    lateral reporting.add_up_refunds((select jsonb_agg(r) from payments.refunds r where r.order_id = o.id), l.product_id) g
  where y.status in ('refunded', 'voided') and y.amount > g.named
  union all
  select r.id, r.order_id, n."productId", r.currency, n.quantity, n.amount, r.updated_at, p.first_at, p.last_at
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_recordset(null::payments.refunds, d.value -> 'refunds') r,
    jsonb_to_recordset(r.lines) as n ("productId" text, quantity integer, amount bigint)
  where r.status = 'succeeded'
  union all
  select null, o.id, l.product_id, o.currency, l.quantity - g.quantity,
    floor((l.total - l.discount + case when o.tax_included then 0 else l.tax end - g.amount) * (y.amount - y.refunded_amount)
      / (y.amount - g.named)::numeric)::bigint,
    coalesce(y.refunded_at, y.voided_at), p.first_at, p.last_at
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_record(null::orders.orders, d.value -> 'order') o,
    jsonb_populate_recordset(null::orders.lines, d.value -> 'lines') l,
    jsonb_populate_recordset(null::payments.payments, d.value -> 'payments') y,
    lateral reporting.add_up_refunds(d.value -> 'refunds', l.product_id) g
  where y.status in ('refunded', 'voided') and y.amount > g.named;

create view reporting.products as
  select p.id as product_id, p.sku, p.name, p.category_id, c.name as category, p.brand, p.active, p.price_amount,
    p.price_currency, p.cost_amount, p.cost_currency, p.created_at
  from catalog.products p left join catalog.categories c on c.id = p.category_id;

create view reporting.stock as
  select l.product_id, l.on_hand, l.reserved, l.on_hand - l.reserved as available, l.low_at, l.moved_at
  from stock.levels l;

-- Who is a member of reads_personal_data sees names and addresses; everybody else sees them masked.
create view reporting.customers_masked as
  select c.id as customer_id,
    case when pg_has_role(current_user, 'reads_personal_data', 'usage') then c.name else left(c.name, 1) || '…' end as name,
    case when pg_has_role(current_user, 'reads_personal_data', 'usage') then c.email
      else left(c.email, 1) || '…@' || split_part(c.email, '@', 2) end as email,
    case when c.premium then 'premium' else 'standard' end as segment,
    c.created_at, c.suspended_at is not null as suspended, c.erased_at is not null as erased
  from customers.customers c;

-- The part of the ledger that is not in the archive.
create view reporting.stock_movements as
  select m.id as movement_id, m.product_id, m.kind, m.quantity, m.reserved, m.order_id, m.created_at
  from stock.movements m;

-- A customer with what they bought in each currency. It reads archived orders by customer, so it unpacks those alone.
create view reporting.customer_summary as
  with sales (customer_id, currency, units, total, refunded, confirmed_at) as not materialized (
    select o.customer_id, o.currency, (select sum(l.quantity) from orders.lines l where l.order_id = o.id), o.total,
      case when y.status in ('refunded', 'voided') then y.amount else y.refunded_amount end, o.confirmed_at
    from orders.orders o left join payments.payments y on y.order_id = o.id
    where o.confirmed_at is not null
    union all
    select d.customer_id, o.currency,
      (select sum(l.quantity) from jsonb_populate_recordset(null::orders.lines, d.document -> 'lines') l), o.total,
      case
        when y.status in ('refunded', 'voided') then y.amount
        when y.id is not null then y.refunded_amount
        -- An order of a previous shop has no payment here, and may have refunds.
        else (select sum((r ->> 'amount')::bigint) from jsonb_array_elements(d.document -> 'refunds') r)
      end, o.confirmed_at
    from archive.documents d cross join lateral jsonb_populate_record(null::orders.orders, d.document -> 'order') o
      left join lateral jsonb_populate_recordset(null::payments.payments, d.document -> 'payments') y on true
    where o.confirmed_at is not null
  )
  select c.id as customer_id, case when c.premium then 'premium' else 'standard' end as segment, s.currency, count(*) as orders,
    sum(s.units)::bigint as units, sum(s.total)::bigint as sales, coalesce(sum(s.refunded), 0)::bigint as refunds,
    min(s.confirmed_at) as first_order_at, max(s.confirmed_at) as last_order_at
  from customers.customers c join sales s on s.customer_id = c.id
  group by c.id, s.currency;

grant usage on schema reporting to reporting, analyst, warehouse;
grant execute on function reporting.get_freshness(), reporting.get_epoch() to reporting, analyst, warehouse;
grant execute on function reporting.day_begins(date, text) to reporting, analyst;
grant execute on function reporting.add_up_refunds(jsonb, text) to reporting, analyst, warehouse;
grant select on reporting.orders, reporting.order_lines, reporting.payments, reporting.refunds, reporting.refund_lines, reporting.products,
  reporting.stock, reporting.stock_movements,
  reporting.customers_masked, reporting.customer_summary to reporting, analyst;
grant select on reporting.orders, reporting.order_lines, reporting.refunds, reporting.refund_lines, reporting.products, reporting.stock,
  reporting.customers_masked to warehouse;
