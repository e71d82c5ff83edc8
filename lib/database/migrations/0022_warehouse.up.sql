-- What an incremental load of the warehouse asks: which months have changed since the last one. It looks at `xmin`, the
-- transaction that wrote a row, which costs the orders nothing. A load keeps pg_snapshot_xmin() of its snapshot, the oldest transaction
-- that was not over, and the next one takes every row of that transaction or a later one: none that commits late is missed, and
-- some are read twice, which changes nothing. ADR 77.

-- Whether a row is of the transaction `since` or a later one. A row has the lower 32 bits; one that is more than 2^31
-- transactions old may look new.
create function reporting.is_since(row_xmin xid, since xid8) returns boolean
language sql immutable parallel safe
return since is null or (row_xmin::text::bigint - since::text::numeric % 4294967296 + 4294967296) % 4294967296 < 2147483648;
revoke all on function reporting.is_since(xid, xid8) from public;

-- The transaction that begins next, as this server knows it. A snapshot's xmax does not say so: it is the one after the last that
-- is over, and those that are open may have a higher number.
create function reporting.get_next_transaction() returns xid8
language plpgsql volatile set search_path = '' as $$
declare
  candidate bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
begin
  loop
    -- It knows nothing of a transaction that has not begun.
    perform pg_xact_status(candidate::text::xid8);
    candidate := candidate + 1;
  end loop;
exception when invalid_parameter_value then
  return candidate::text::xid8;
end
$$;
revoke all on function reporting.get_next_transaction() from public;

-- The months (in UTC) whose sales or refunds may have changed since a transaction, and `customers` without a month when one of them did;
-- with null, every month that has any.
create function reporting.changed_months(since xid8) returns table (kind text, month date)
language sql stable security definer set search_path = '' as $$
  with confirmed (at) as (
    select o.confirmed_at from orders.orders o where reporting.is_since(o.xmin, since)
    union all
    select o.confirmed_at from orders.lines l join orders.orders o on o.id = l.order_id where reporting.is_since(l.xmin, since)
    union all
    -- An erased customer leaves the facts.
    select o.confirmed_at from customers.customers c join orders.orders o on o.customer_id = c.id
    where c.erased_at is not null and reporting.is_since(c.xmin, since)
    union all
    select (d.value #>> '{order,confirmed_at}')::timestamptz
    from customers.customers c join archive.order_keys k on k.customer_id = c.id join archive.pages p on p.id = k.page_id,
      jsonb_each(p.documents) d
    where since is not null and c.erased_at is not null and reporting.is_since(c.xmin, since) and d.key = k.id
    union all
    select (d.value #>> '{order,confirmed_at}')::timestamptz
    from archive.pages p, jsonb_each(p.documents) d where reporting.is_since(p.xmin, since)
  ), given_back (at) as (
    select r.updated_at from payments.refunds r where r.status = 'succeeded' and reporting.is_since(r.xmin, since)
    union all
    select coalesce(y.refunded_at, y.voided_at) from payments.payments y
    where y.status in ('refunded', 'voided') and reporting.is_since(y.xmin, since)
    union all
    select (r.value ->> 'updated_at')::timestamptz
    from archive.pages p, jsonb_each(p.documents) d, jsonb_array_elements(d.value -> 'refunds') r
    where reporting.is_since(p.xmin, since) and r.value ->> 'status' = 'succeeded'
    union all
    select coalesce(y.value ->> 'refunded_at', y.value ->> 'voided_at')::timestamptz
    from archive.pages p, jsonb_each(p.documents) d, jsonb_array_elements(d.value -> 'payments') y
    where reporting.is_since(p.xmin, since) and y.value ->> 'status' in ('refunded', 'voided')
  )
  select distinct 'sales', date_trunc('month', at at time zone 'UTC')::date from confirmed where at is not null
  union all
  select distinct 'refunds', date_trunc('month', at at time zone 'UTC')::date from given_back where at is not null
  union all
  select 'customers', null where exists (select from customers.customers c where reporting.is_since(c.xmin, since))
$$;
revoke all on function reporting.changed_months(xid8) from public;

grant execute on function reporting.get_next_transaction(), reporting.is_since(xid, xid8), reporting.changed_months(xid8) to analyst, warehouse;
