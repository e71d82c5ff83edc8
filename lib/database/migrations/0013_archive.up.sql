-- What is old, compressed. Its rows change through the functions below alone, which jobs and manual review call.
create schema archive;

-- Orders that ended long ago, with everything that belongs to them: up to a hundred of one month in a page, because orders
-- compress far better together.
create table archive.pages (
  id bigint generated always as identity primary key,
  -- The first day of the month (UTC) of its orders.
  month date not null,
  orders smallint not null check (orders between 0 and 100),
  -- When the first of its orders was placed, and when anything last happened to one.
  first_at timestamptz not null,
  last_at timestamptz not null,
  -- By order id, the rows of the order as JSON, under the names of their tables.
  documents jsonb not null check (jsonb_typeof(documents) = 'object')
);
create index pages_with_room on archive.pages (month, id) where orders < 100;

-- Where each archived order is, and what lists are ordered by.
create table archive.order_keys (
  id kernel.order_id primary key,
  number text collate "C" not null unique,
  customer_id kernel.customer_id references customers.customers (id),
  status text collate "C" not null,
  fulfilment_status text collate "C" not null,
  updated_at timestamptz not null,
  currency kernel.currency not null,
  total bigint not null,
  -- What was given back of its payment. It does not change in the archive.
  refunded bigint not null,
  -- The ids of its products, without their prefix, which takes half the place.
  products uuid[] not null,
  page_id bigint not null references archive.pages (id),
  archived_at timestamptz not null
);
create index order_keys_by_customer on archive.order_keys (customer_id, id desc);
create index order_keys_by_status on archive.order_keys (status, updated_at, id);

-- Orders that an operator took out of the archive. They stay out for a while.
create table archive.unarchived (
  order_id kernel.order_id primary key,
  until timestamptz not null
);

create view archive.documents as
  select k.id, k.customer_id, k.status, k.updated_at, d.document
  from archive.order_keys k
  join archive.pages p on p.id = k.page_id,
  -- Unpacks a page once for each order.
  lateral (select p.documents -> k.id::text as document offset 0) d;

-- The same columns as orders.order_details.
create view archive.order_details as
  select
    d.id, d.customer_id, d.status, o.version, o.currency, o.subtotal, o.discount_amount, o.discount_reason, o.total,
    o.coupon_code, o.shipping_method, o.shipping_amount, o.shipping_tax, o.shipping_tax_rate, o.tax_amount, o.tax_included,
    o.reverse_charge, o.payment_method, o.capture_at, o.payment_action, o.failure_code, o.failure_detail, o.confirmed_at, o.abandoned_at,
    o.created_at, d.updated_at, o.fulfilment_status,
    o.number, o.shipping_address, o.billing_address, o.contact, o.note, o.metadata, o.placed_by,
    p.id as payment_id,
    p.status as payment_status,
    p.provider as payment_provider,
    p.reference as payment_reference,
    case p.status when 'refunded' then p.amount else p.refunded_amount end as payment_refunded,
    (
      select jsonb_agg(
        jsonb_build_object(
          'productId', l.product_id, 'sku', l.sku, 'name', l.name,
          'quantity', l.quantity, 'unitPrice', l.unit_price, 'total', l.total,
          'discount', l.discount, 'tax', l.tax, 'taxRate', l.tax_rate, 'taxClass', l.tax_class, 'weight', l.weight,
          'fulfilled', l.fulfilled, 'shipped', l.shipped, 'delivered', l.delivered, 'returned', l.returned,
          'cancelled', coalesce(l.cancelled, 0)
        ) order by l.position
      )
      from jsonb_populate_recordset(null::orders.lines, d.document -> 'lines') l
    ) as lines
  from archive.documents d
  cross join lateral jsonb_populate_record(null::orders.orders, d.document -> 'order') o
  left join lateral jsonb_populate_recordset(null::payments.payments, d.document -> 'payments') p on true;

-- The rows of archived orders.
create view archive.orders as
  select d.id, d.customer_id, d.status, o.version, o.currency, o.subtotal, o.discount_amount, o.discount_reason, o.total,
    o.coupon_code, o.shipping_method, o.shipping_amount, o.shipping_tax, o.shipping_tax_rate, o.tax_amount, o.tax_included,
    o.reverse_charge, o.payment_method, o.payment_action, o.failure_code, o.failure_detail, o.confirmed_at, o.abandoned_at,
    o.compensation_attempts, o.capture_retries, o.correlation_id, o.created_at, d.updated_at,
    o.number, o.shipping_address, o.billing_address, o.contact, o.note, o.metadata, o.placed_by
  from archive.documents d, jsonb_populate_record(null::orders.orders, d.document -> 'order') o;
create view archive.lines as
  select d.id as order_id, l.position, l.product_id, l.sku, l.name, l.quantity, l.unit_price, l.total,
    l.discount, l.tax, l.tax_rate, l.tax_class, l.weight
  from archive.documents d, jsonb_populate_recordset(null::orders.lines, d.document -> 'lines') l;
create view archive.timeline as
  select d.id as order_id, t.version, t.entry, t.type, t.detail, t.at
  from archive.documents d, jsonb_populate_recordset(null::orders.timeline, d.document -> 'timeline') t;
create view archive.manual_reviews as
  select d.id as order_id, r.attempt, r.opened_at, r.from_status, r.reason, r.steps, r.error, r.message,
    r.money_at_stake, r.money_certain, r.stock_at_stake, r.execution, r.settled_at, r.settled_how
  from archive.documents d, jsonb_populate_recordset(null::orders.manual_reviews, d.document -> 'reviews') r;
create view archive.payments as
  select d.id as order_id, p.id, p.provider, p.reference, p.status, p.currency, p.amount, p.refund_claimed,
    p.refunded_amount, p.released_amount, p.authorized_at, p.expires_at, p.captured_at, p.voided_at, p.refunded_at, p.refund_reference,
    p.capture_requested_at, p.capture_requested_by, p.capture_correlation_id, p.capture_attempt
  from archive.documents d, jsonb_populate_recordset(null::payments.payments, d.document -> 'payments') p;
create view archive.refunds as
  select d.id as order_id, r.id, r.payment_id, r.status, r.currency, r.amount, r.reason, r.requested_by,
    r.lines, r.shipping_amount, r.return_id, r.correlation_id, r.attempt, r.failure_code, r.reference, r.created_at, r.updated_at
  from archive.documents d, jsonb_populate_recordset(null::payments.refunds, d.document -> 'refunds') r;
create view archive.reservations as
  select d.id as order_id, r.product_id, r.quantity, r.state, r.expires_at
  from archive.documents d, jsonb_populate_recordset(null::stock.reservations, d.document -> 'reservations') r;

-- Orders that may go to the archive when they are old: they have ended, keep every invariant, and nobody works on them.
create view archive.movable_orders as
  select o.id, o.status, o.updated_at, date_trunc('month', o.created_at at time zone 'UTC')::date as month
  from orders.orders o
  where o.status in ('confirmed', 'failed', 'cancelled')
    -- Subqueries with a limit are looked up for each order, so that no plan reads whole tables.
    and (select true from payments.refunds r where r.order_id = o.id and r.status = 'requested' limit 1) is null
    and (o.capture_at is null
      or (select true from payments.payments p where p.order_id = o.id and p.status = 'authorized' limit 1) is null)
    and (select true from stock.reservations r where r.order_id = o.id and r.state = 'held' limit 1) is null
    and (select true from monitor.payment_violations v where v.order_id = o.id limit 1) is null
    and (select true from monitor.confirmation_violations v where v.order_id = o.id limit 1) is null
    and (select true from monitor.findings f where f.subject = o.id and f.cleared_at is null limit 1) is null;

-- Moves up to `most` orders of one month to the archive, to one page: of those on which nothing has happened since
-- `before`, the ones longest unchanged. Returns how many; 0 when there are none, or somebody else moves orders now.
create function archive.move_orders(before timestamptz, now timestamptz, most integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  state text;
  since timestamptz;
  after text;
  ids text[];
  chosen text[];
  paid text[];
  month_of_all date;
  page bigint;
  room integer := 100;
  found jsonb;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('counterfoil archive', 0)) then
    return 0;
  end if;
  -- Of one status at a time, in windows of a fixed size, whose plans read no more. Orders that may not move keep none behind.
  <<search>>
  foreach state in array array['confirmed', 'failed', 'cancelled'] loop
    since := '-infinity';
    after := '';
    for step in 1..20 loop
      select array_agg(w.id order by w.updated_at, w.id), max(w.updated_at) into ids, since
      from (
        select o.id::text, o.updated_at from orders.orders o
        where o.status = state and o.updated_at < before and (o.updated_at, o.id) > (since, after)
        order by o.updated_at, o.id
        limit 50
      ) w;
      exit when ids is null;
      after := ids[cardinality(ids)];
      select array_agg(c.id order by c.updated_at, c.id), c.month into chosen, month_of_all
      from archive.movable_orders c
      where c.id = any (ids)
        and (select true from archive.unarchived u where u.order_id = c.id and u.until > now) is null
      group by c.month order by min(c.updated_at) limit 1;
      exit search when chosen is not null;
    end loop;
  end loop;
  select p.id, 100 - p.orders into page, room from archive.pages p
  where p.month = month_of_all and p.orders < 100
  order by p.id limit 1;
  chosen := chosen[1:least(most, coalesce(room, 100))];

  -- Waits for nobody: whoever changes an order or its payment locks it.
  chosen := array(select o.id from orders.orders o where o.id = any (chosen) for update skip locked);
  paid := array(select p.order_id from payments.payments p where p.order_id = any (chosen) for update skip locked);
  chosen := array(
    select m.id from archive.movable_orders m
    where m.id = any (chosen) and m.updated_at < before
      and (m.id = any (paid) or (select true from payments.payments p where p.order_id = m.id) is null)
  );
  if cardinality(chosen) = 0 then
    return 0;
  end if;
  -- Nobody asks for a guest's data any more, nor to have it erased.
  perform orders.forget(array(select o.id from orders.orders o where o.id = any (chosen) and o.customer_id is null));

  select jsonb_object_agg(o.id, jsonb_build_object(
    'order', to_jsonb(o),
    'lines', (select jsonb_agg(to_jsonb(l) order by l.position) from orders.lines l where l.order_id = o.id),
    'timeline', (select jsonb_agg(to_jsonb(t) order by t.version, t.entry) from orders.timeline t where t.order_id = o.id),
    'reviews', (select coalesce(jsonb_agg(to_jsonb(r) order by r.attempt), '[]') from orders.manual_reviews r where r.order_id = o.id),
    'payments', (select coalesce(jsonb_agg(to_jsonb(p)), '[]') from payments.payments p where p.order_id = o.id),
    'refunds', (select coalesce(jsonb_agg(to_jsonb(r) order by r.id), '[]') from payments.refunds r where r.order_id = o.id),
    'reservations', (select coalesce(jsonb_agg(to_jsonb(r) order by r.product_id), '[]') from stock.reservations r where r.order_id = o.id),
    'fulfilments', (select coalesce(jsonb_agg(to_jsonb(f) order by f.id), '[]') from orders.fulfilments f where f.order_id = o.id),
    'returns', (select coalesce(jsonb_agg(to_jsonb(r) order by r.id), '[]') from orders.returns r where r.order_id = o.id)
  )) into found from orders.orders o where o.id = any (chosen);

  if page is null then
    insert into archive.pages (month, orders, first_at, last_at, documents)
    select month_of_all, count(*), min(o.created_at), max(o.updated_at), found from orders.orders o where o.id = any (chosen)
    returning id into page;
  else
    update archive.pages p
    set orders = p.orders + cardinality(chosen), documents = p.documents || found,
      first_at = least(p.first_at, n.first_at), last_at = greatest(p.last_at, n.last_at)
    from (select min(o.created_at) as first_at, max(o.updated_at) as last_at from orders.orders o where o.id = any (chosen)) n
    where p.id = page;
  end if;
  insert into archive.order_keys (
    id, number, customer_id, status, fulfilment_status, updated_at, currency, total, refunded, products, page_id, archived_at
  )
  select o.id, o.number, o.customer_id, o.status, o.fulfilment_status, o.updated_at, o.currency, o.total,
    coalesce((
      select case p.status when 'refunded' then p.amount else p.refunded_amount end from payments.payments p where p.order_id = o.id
    ), 0),
    array(select right(l.product_id, 32)::uuid from orders.lines l where l.order_id = o.id order by l.position),
    page, now
  from orders.orders o where o.id = any (chosen);
  delete from archive.unarchived u where u.order_id = any (chosen);

  delete from payments.refunds r where r.order_id = any (chosen);
  delete from payments.payments p where p.order_id = any (chosen);
  delete from stock.reservations r where r.order_id = any (chosen);
  delete from orders.returns r where r.order_id = any (chosen);
  delete from orders.fulfilments f where f.order_id = any (chosen);
  delete from orders.manual_reviews r where r.order_id = any (chosen);
  delete from orders.timeline t where t.order_id = any (chosen);
  delete from orders.lines l where l.order_id = any (chosen);
  delete from orders.orders o where o.id = any (chosen);
  return cardinality(chosen);
end
$$;

-- Puts an archived order back as it was, except its stock movements, and keeps it out until `stay`. Returns whether it
-- did. An order of a previous shop stays.
create function archive.unarchive_order(wanted text, stay timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  page bigint;
  d jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('counterfoil archive', 0));
  select k.page_id, p.documents -> wanted into page, d
  from archive.order_keys k join archive.pages p on p.id = k.page_id
  where k.id = wanted and not p.documents -> wanted ? 'movedIn';
  if not found then
    return false;
  end if;
  insert into orders.orders select r.* from jsonb_populate_record(null::orders.orders, d -> 'order') r;
  insert into orders.lines select r.* from jsonb_populate_recordset(null::orders.lines, d -> 'lines') r;
  insert into orders.timeline select r.* from jsonb_populate_recordset(null::orders.timeline, d -> 'timeline') r;
  insert into orders.manual_reviews select r.* from jsonb_populate_recordset(null::orders.manual_reviews, d -> 'reviews') r;
  insert into payments.payments select r.* from jsonb_populate_recordset(null::payments.payments, d -> 'payments') r;
  insert into payments.refunds select r.* from jsonb_populate_recordset(null::payments.refunds, d -> 'refunds') r;
  insert into stock.reservations select r.* from jsonb_populate_recordset(null::stock.reservations, d -> 'reservations') r;
  insert into orders.fulfilments select f.* from jsonb_populate_recordset(null::orders.fulfilments, d -> 'fulfilments') f;
  insert into orders.returns select r.* from jsonb_populate_recordset(null::orders.returns, d -> 'returns') r;
  delete from archive.order_keys k where k.id = wanted;
  update archive.pages p set orders = p.orders - 1, documents = p.documents - wanted where p.id = page;
  insert into archive.unarchived (order_id, until) values (wanted, stay);
  return true;
end
$$;

revoke all on function archive.move_orders(timestamptz, timestamptz, integer), archive.unarchive_order(text, timestamptz)
  from public;

grant usage on schema archive to orders_api, refunds_api, manual_review, customer_export, jobs;

grant select on archive.order_details, archive.timeline to orders_api, customer_export, manual_review;
grant select (id, customer_id, status) on archive.order_keys to orders_api;
grant select on archive.refunds to refunds_api, customer_export, manual_review;
grant select (id, status) on archive.order_keys to refunds_api, manual_review;
grant select on archive.orders, archive.payments to refunds_api, manual_review;
grant select on archive.lines, archive.manual_reviews, archive.reservations to manual_review;

grant execute on function archive.move_orders(timestamptz, timestamptz, integer) to jobs;
grant execute on function archive.unarchive_order(text, timestamptz) to manual_review;
