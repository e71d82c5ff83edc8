-- Who read or changed what, and what each application used. Nobody changes or deletes a record; whole months of accesses
-- are dropped when they are old enough.
create schema audit;

-- One row for each request that an HTTP handler answered or refused.
create table audit.accesses (
  at timestamptz not null,
  id kernel.access_id not null,
  operation text collate "C" not null check (length(operation) between 1 and 100),
  write boolean not null,
  status smallint not null check (status between 100 and 599),
  problem text collate "C" check (length(problem) <= 100),
  milliseconds integer not null check (milliseconds >= 0),
  request_id text collate "C" not null check (length(request_id) <= 128),
  -- The caller; null where it is not known.
  application_id text collate "C" check (length(application_id) <= 64),
  customer_id kernel.customer_id,
  key_id text collate "C" check (length(key_id) <= 64),
  -- The client's network: /24 of IPv4, /48 of IPv6.
  network text collate "C" check (length(network) <= 64),
  -- Ids of what the request read or changed, or tried to.
  resources text[] collate "C" not null,
  primary key (at, id)
) partition by range (at);
create index accesses_by_application on audit.accesses (application_id, at, id);
create index accesses_by_customer on audit.accesses (customer_id, at, id);

-- The same accesses by resource: one row for each id in `resources`.
create table audit.touched (
  resource text collate "C" not null check (length(resource) <= 64),
  at timestamptz not null,
  access_id kernel.access_id not null,
  application_id text collate "C" check (length(application_id) <= 64),
  write boolean not null,
  succeeded boolean not null,
  primary key (resource, at, access_id)
) partition by range (at);

-- What each application requested in an hour. The id 'none' stands for requests that named no application.
create table audit.usage (
  application_id text collate "C" not null check (length(application_id) <= 64),
  hour timestamptz not null,
  operation text collate "C" not null check (length(operation) between 1 and 100),
  requests bigint not null check (requests > 0),
  client_errors bigint not null,
  server_errors bigint not null,
  -- A histogram of durations. lib/operations/usage/histogram.ts has the bounds of the buckets.
  buckets integer[] not null check (cardinality(buckets) <= 64),
  primary key (application_id, hour, operation),
  constraint errors_are_requests check (client_errors >= 0 and server_errors >= 0 and client_errors + server_errors <= requests)
) partition by range (hour);

-- What operators did in manual review, written in the transaction that did it. Kept for good.
create table audit.operator_actions (
  id kernel.action_id primary key,
  -- No reference: the order may be in the archive.
  order_id kernel.order_id not null,
  at timestamptz not null,
  key_id text collate "C" not null,
  action text not null check (action in ('read', 'retry', 'resolve', 'unarchive')),
  outcome text check (outcome in ('failed', 'cancelled')),
  note text check (length(note) <= 2000),
  refund_reference text check (length(refund_reference) <= 200),
  request_id text collate "C" not null,
  constraint resolution_says_how check ((action = 'resolve') = (outcome is not null and note is not null))
);
create index operator_actions_by_order on audit.operator_actions (order_id, id);

create function audit.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'audit records are never changed or deleted' using errcode = 'insufficient_privilege';
end
$$;
create trigger never_changed before update or delete on audit.accesses
  for each row execute function audit.refuse_change();
create trigger never_emptied before truncate on audit.accesses
  for each statement execute function audit.refuse_change();
create trigger never_changed before update or delete on audit.touched
  for each row execute function audit.refuse_change();
create trigger never_emptied before truncate on audit.touched
  for each statement execute function audit.refuse_change();
create trigger never_changed before update or delete on audit.operator_actions
  for each row execute function audit.refuse_change();
create trigger never_emptied before truncate on audit.operator_actions
  for each statement execute function audit.refuse_change();

-- Adds the partitions of the month (in UTC) that `moment` is in, if they are missing. Returns whether any was. It attaches
-- a finished table, because creating a partition in place would lock out readers and writers.
create function audit.add_month(moment timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  first constant timestamp := date_trunc('month', moment at time zone 'UTC');
  name text;
  part text;
  made boolean := false;
begin
  perform pg_advisory_xact_lock(hashtextextended('counterfoil audit months', 0));
  foreach name in array array['accesses', 'touched', 'usage'] loop
    part := name || to_char(first, '_YYYY_MM');
    if to_regclass(format('audit.%I', part)) is null then
      execute format('create table audit.%I (like audit.%I including all)', part, name);
      execute format('alter table audit.%I attach partition audit.%I for values from (%L) to (%L)', name, part,
        first || '+00', first + interval '1 month' || '+00');
      if name <> 'usage' then
        -- Attaching creates the triggers on rows, but not the one on truncate.
        execute format('create trigger never_emptied before truncate on audit.%I for each statement execute function audit.refuse_change()', part);
      end if;
      made := true;
    end if;
  end loop;
  return made;
end
$$;

-- Drops one partition of the months that lie more than `keep` whole months before the month of `moment`, or before that
-- of the newest record if that is earlier, so that a wrong clock drops nothing young. Returns how many it dropped, 0 or 1:
-- readers and writers wait while a partition goes, and so for one at a time.
create function audit.drop_month(moment timestamptz, keep integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  newest constant timestamptz := (select max(at) from audit.accesses);
  first constant timestamp := date_trunc('month', least(moment, newest) at time zone 'UTC') - keep * interval '1 month';
  part text;
begin
  if keep is null or keep < 3 then
    raise exception 'accesses are kept for at least three months' using errcode = 'invalid_parameter_value';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('counterfoil audit months', 0));
  select c.relname into part
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent in ('audit.accesses'::regclass, 'audit.touched'::regclass, 'audit.usage'::regclass)
    and to_date(right(c.relname, 7), 'YYYY_MM') < first
  order by c.relname
  limit 1;
  if part is null then
    return 0;
  end if;
  execute format('drop table audit.%I', part);
  return 1;
end
$$;

revoke all on function audit.refuse_change(), audit.add_month(timestamptz), audit.drop_month(timestamptz, integer) from public;

grant usage on schema audit to manual_review, audit_writer, audit_reader, jobs;

grant select, insert on audit.operator_actions to manual_review;

-- Reading the id of what it inserted lets the writer count each access once.
grant insert, select (id) on audit.accesses to audit_writer;
grant insert on audit.touched to audit_writer;
grant select, insert, update (requests, client_errors, server_errors, buckets) on audit.usage to audit_writer;
grant execute on function audit.add_month(timestamptz) to audit_writer;

grant select on audit.accesses, audit.touched, audit.usage to audit_reader;

grant execute on function audit.add_month(timestamptz), audit.drop_month(timestamptz, integer) to jobs;
