-- Customers' rights: what exporting and erasing a customer needs of every schema.

-- Finds the answers to sign-ups that name somebody who is erased.
create index sign_ups_answered on customers.idempotency_keys (body) where operation = 'sign-up';

-- What erasing a customer asks of their orders.
create view orders.under_way as
  select id, customer_id from orders.orders where status not in ('confirmed', 'failed', 'cancelled');

-- Deletes the customers who signed up before `moment`, never confirmed their address, and hold no token to do so at the
-- time `now`. A customer with orders stays.
create function customers.drop_unconfirmed(moment timestamptz, now timestamptz) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  stale text[];
  dropped integer := 0;
begin
  loop
    -- Subqueries with a limit are looked up for each customer, so that no plan reads whole tables.
    stale := array(
      select c.id
      from customers.customers c
      where c.confirmed_at is null and c.erased_at is null and c.created_at < moment
        and (select true from customers.email_tokens t where t.customer_id = c.id and t.expires_at > now limit 1) is null
        and (select true from customers.identities i where i.customer_id = c.id limit 1) is null
        and (select true from orders.orders o where o.customer_id = c.id limit 1) is null
      order by c.created_at
      limit 100
      for update skip locked
    );
    exit when cardinality(stale) = 0 or dropped >= 10000;
    delete from customers.email_tokens where customer_id = any (stale);
    -- Who follows the events has heard of those who signed in.
    update outbox.events set data = data || '{"email": null, "name": null}'
    where aggregate_id = any (stale) and type in ('customer.created', 'customer.updated');
    insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, data, occurred_at)
    select 'evt_' || replace(uuidv7(now - clock_timestamp())::text, '-', ''), 'customer.erased', 1, c.id, c.id,
      c.version + 1, jsonb_build_object('customerId', c.id), now
    from customers.customers c where c.id = any (stale) and c.announced;
    delete from customers.customers where id = any (stale);
    dropped := dropped + cardinality(stale);
  end loop;
  return dropped;
end
$$;
revoke all on function customers.drop_unconfirmed(timestamptz, timestamptz) from public;
grant execute on function customers.drop_unconfirmed(timestamptz, timestamptz) to jobs;

grant usage on schema customers, orders, payments, audit to customer_export;
grant select (id, email, name, address, premium, confirmed_at, suspended_at, erased_at, created_at, updated_at, version)
  on customers.customers to customer_export;
grant select (recipient, mailbox, kind, created_at, sent_at) on customers.mails to customer_export;
grant select (customer_id, purpose, email, created_at, expires_at, used_at) on customers.email_tokens to customer_export;
grant select on customers.identities, orders.order_details, orders.timeline, payments.refunds, audit.accesses, audit.touched
  to customer_export;

-- Erasing deletes what only the customer needs, and empties the row that others name.
grant usage on schema customers, orders, outbox to customer_erasure;
grant select (id, email, access_version, erased_at, version) on customers.customers to customer_erasure;
grant update (email, confirmed_at, name, address, premium, password_hash, access_version, tokens_not_before, suspended_at,
  erased_at, version, updated_at) on customers.customers to customer_erasure;
grant select (customer_id, issuer, subject), delete on customers.identities to customer_erasure;
grant select (customer_id, email), delete on customers.email_tokens to customer_erasure;
grant select (kind, recipient, mailbox, network, created_at, sent_at, given_up_at), insert,
  update (subject, body, given_up_at, keep_until) on customers.mails to customer_erasure;
grant select (caller, operation, body), delete on customers.idempotency_keys to customer_erasure;
grant select (caller), delete on orders.idempotency_keys to customer_erasure;
grant select on orders.under_way to customer_erasure;
grant select (aggregate_id, type, data), insert, update (data) on outbox.events to customer_erasure;
