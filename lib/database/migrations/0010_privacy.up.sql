-- Customers' rights: what exporting and erasing a customer needs of every schema.

-- Finds the answers to sign-ups that name somebody who is erased.
create index sign_ups_answered on customers.idempotency_keys (body) where operation = 'sign-up';

-- What erasing a customer asks of their orders.
create view orders.under_way as
  select id, customer_id from orders.orders where status not in ('confirmed', 'failed', 'cancelled');

-- Goes through the next `most` customers after `since` and `after` who signed up before `moment` and have never confirmed
-- their address. Deletes those who hold no token to do so at the time `now` and have neither identities nor orders. Returns
-- how many, and where to go on; null at the end.
create function customers.drop_unconfirmed(
  since timestamptz, after text, moment timestamptz, now timestamptz, most integer,
  out dropped integer, out reached timestamptz, out reached_id text
)
language plpgsql security definer set search_path = '' as $$
declare
  stale text[];
  seen integer;
begin
  -- Subqueries with a limit are looked up for each customer, so that no plan reads whole tables.
  with next as materialized (
    select c.id, c.created_at
    from customers.customers c
    where c.confirmed_at is null and c.erased_at is null and c.created_at < moment
      and c.created_at >= since and (c.created_at, c.id) > (since, after)
    order by c.created_at, c.id
    limit most
  )
  select count(*), max(n.created_at), (array_agg(n.id order by n.created_at desc, n.id desc))[1], array_agg(n.id) filter (where
      (select true from customers.email_tokens t where t.customer_id = n.id and t.expires_at > now limit 1) is null
      and (select true from customers.identities i where i.customer_id = n.id limit 1) is null
      and (select true from orders.orders o where o.customer_id = n.id limit 1) is null
      and (select true from archive.order_keys o where o.customer_id = n.id limit 1) is null)
    into seen, reached, reached_id, stale
  from next n;
  -- Whoever locks a customer may be placing an order, and whoever has confirmed stays.
  stale := array(
    select c.id from customers.customers c
    where c.id = any (stale) and c.confirmed_at is null and c.erased_at is null
    for update skip locked
  );
  delete from customers.email_tokens where customer_id = any (stale);
  -- Who follows the events has heard of those who signed in.
  update outbox.events set data = data || '{"email": null, "name": null}'
  where aggregate_id = any (stale) and type in ('customer.created', 'customer.updated');
  update archive.events set data = data || '{"email": null, "name": null}'
  where aggregate_id = any (stale) and type in ('customer.created', 'customer.updated');
  insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, data, occurred_at)
  select 'evt_' || replace(uuidv7(now - clock_timestamp())::text, '-', ''), 'customer.erased', 1, c.id, c.id,
    c.version + 1, jsonb_build_object('customerId', c.id), now
  from customers.customers c where c.id = any (stale) and c.announced;
  delete from customers.customers where id = any (stale);
  dropped := cardinality(stale);
  if seen < most then
    reached := null;
    reached_id := null;
  end if;
end
$$;
revoke all on function customers.drop_unconfirmed(timestamptz, text, timestamptz, timestamptz, integer) from public;
grant execute on function customers.drop_unconfirmed(timestamptz, text, timestamptz, timestamptz, integer) to jobs;

grant usage on schema customers, orders, payments, audit to customer_export;
grant select (id, email, name, address, premium, verified_vat_number, confirmed_at, suspended_at, erased_at, created_at, updated_at, version)
  on customers.customers to customer_export;
grant select (recipient, mailbox, kind, created_at, sent_at) on customers.mails to customer_export;
grant select (customer_id, purpose, email, created_at, expires_at, used_at) on customers.email_tokens to customer_export;
grant select on customers.identities, orders.order_details, orders.timeline, payments.refunds, audit.accesses, audit.touched
  to customer_export;

-- Erasing deletes what only the customer needs, and empties the row that others name.
grant usage on schema customers, orders, outbox to customer_erasure;
grant select (id, email, access_version, erased_at, version) on customers.customers to customer_erasure;
grant update (email, confirmed_at, name, address, premium, verified_vat_number, password_hash, access_version, tokens_not_before,
  suspended_at, erased_at, version, updated_at) on customers.customers to customer_erasure;
grant select (customer_id, issuer, subject), delete on customers.identities to customer_erasure;
grant select (customer_id, email), delete on customers.email_tokens to customer_erasure;
grant select (kind, recipient, mailbox, network, created_at, sent_at, given_up_at), insert,
  update (subject, body, attachment_name, attachment, given_up_at, keep_until) on customers.mails to customer_erasure;
grant select (caller, operation, body), delete on customers.idempotency_keys to customer_erasure;
grant select (caller), delete on orders.idempotency_keys to customer_erasure;
grant select on orders.under_way to customer_erasure;
grant select (aggregate_id, type, data), insert, update (data) on outbox.events to customer_erasure;
