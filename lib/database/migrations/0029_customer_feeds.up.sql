-- What other systems of the shop say of its customers: when they were in touch, and their tickets. Feeds name customers by the hash
-- of their e-mail address, and have codes, not text.
create function customers.hash_email(email text) returns text
language sql immutable parallel safe set search_path = ''
return encode(sha256(convert_to(lower(email), 'UTF8')), 'hex');
revoke all on function customers.hash_email(text) from public;

create unique index customers_by_email_hash on customers.customers (customers.hash_email(email)) where erased_at is null;

create table customers.feeds (
  source text collate "C" primary key check (source ~ '^[a-z][a-z0-9-]{0,39}$'),
  application_id text collate "C" not null,
  received_at timestamptz not null,
  -- Of the last file.
  total integer not null,
  failed integer not null,
  -- What happened last, of all files.
  newest_at timestamptz
);

create table customers.feed_entries (
  source text collate "C" not null,
  id text collate "C" not null,
  customer_id kernel.customer_id not null references customers.customers (id) on delete cascade,
  kind text collate "C" not null check (kind in ('interaction', 'ticket')),
  at timestamptz not null,
  channel text collate "C",
  topic text collate "C",
  status text collate "C" check (status in ('open', 'waiting', 'closed')),
  ended_at timestamptz,
  primary key (source, id),
  constraint ticket_has_its_status check ((kind = 'ticket') = (status is not null) and (ended_at is null or kind = 'ticket'))
);
create index feed_entries_by_customer on customers.feed_entries (customer_id, at desc);
create index feed_entries_by_end on customers.feed_entries (coalesce(ended_at, at));

-- Whoever loads a feed never sees an address.
create view customers.email_hashes as
  select customers.hash_email(c.email) as email_hash, c.id as customer_id from customers.customers c where c.erased_at is null;

-- An erasure that is under way ends first, and then nothing is kept of the customer.
create function customers.skip_erased() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform from customers.customers c where c.id = new.customer_id and c.erased_at is null for share;
  return case when found then new end;
end
$$;
create trigger skip_erased before insert or update of customer_id on customers.feed_entries
  for each row execute function customers.skip_erased();

-- A hash says nothing that whoever has the address does not know; writers of customers keep its index.
grant execute on function customers.hash_email(text) to customers_api, customer_erasure, customer_feeds;
grant usage on schema customers to customer_feeds;
grant select on customers.email_hashes to customer_feeds;
grant select, insert, update on customers.feeds to customer_feeds;
grant select, insert, update on customers.feed_entries to customer_feeds;
grant select on customers.feed_entries to customer_export;
grant select (customer_id), delete on customers.feed_entries to customer_erasure;
grant select (ended_at, at), delete on customers.feed_entries to jobs;

-- What reports show of it.
create view reporting.customer_entries as
  select e.customer_id, e.source, e.id as entry_id, e.kind, e.at, e.channel, e.topic, e.status, e.ended_at
  from customers.feed_entries e;
create view reporting.feeds as
  select f.source, f.received_at, f.total, f.failed, f.newest_at from customers.feeds f;
grant select on reporting.customer_entries, reporting.feeds to reporting, analyst;
