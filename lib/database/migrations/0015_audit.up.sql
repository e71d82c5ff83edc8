-- Who read or changed what, by month, never changed and dropped by whole months; and what each application used.
do $$
declare
  name text;
begin
  foreach name in array array['audit_writer', 'audit_reader'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = name) then
      execute format('create role %I login', name);
    end if;
    execute format('grant rds_iam to %I', name);
    execute format('alter role %I set search_path = %L', name, '');
    execute format('alter role %I set statement_timeout = %L', name, '5s');
    execute format('alter role %I set lock_timeout = %L', name, '4s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', name, '10s');
    execute format('grant connect on database %I to %I', current_database(), name);
  end loop;
end
$$;
alter role audit_writer set statement_timeout = '20s';

create schema audit;
create domain kernel.access_id as text collate "C" check (value ~ '^acc_[0-9a-f]{32}$');

-- One row for each request that a handler answered or refused.
create table audit.accesses (
  at timestamptz not null,
  id kernel.access_id not null,
  operation text collate "C" not null check (length(operation) between 1 and 100),
  write boolean not null,
  status smallint not null check (status between 100 and 599),
  problem text collate "C" check (length(problem) <= 100),
  milliseconds integer not null check (milliseconds >= 0),
  request_id text collate "C" not null check (length(request_id) <= 128),
  -- Who asked; null as far as nobody was known.
  application_id text collate "C" check (length(application_id) <= 64),
  customer_id kernel.customer_id,
  key_id text collate "C" check (length(key_id) <= 64),
  -- The client's network: /24 of IPv4, /48 of IPv6.
  network text collate "C" check (length(network) <= 64),
  -- Ids of what was read or changed, or asked for and refused.
  resources text[] collate "C" not null,
  primary key (at, id)
) partition by range (at);
create index accesses_by_application on audit.accesses (application_id, at, id);
create index accesses_by_customer on audit.accesses (customer_id, at, id);

-- The same by what was read or changed.
create table audit.touched (
  resource text collate "C" not null check (length(resource) <= 64),
  at timestamptz not null,
  access_id kernel.access_id not null,
  application_id text collate "C" check (length(application_id) <= 64),
  write boolean not null,
  succeeded boolean not null,
  primary key (resource, at, access_id)
) partition by range (at);

-- What an application asked for in an hour, 'none' standing for requests that named none.
create table audit.usage (
  application_id text collate "C" not null check (length(application_id) <= 64),
  hour timestamptz not null,
  operation text collate "C" not null check (length(operation) between 1 and 100),
  requests bigint not null check (requests > 0),
  client_errors bigint not null,
  server_errors bigint not null,
  -- How many took how long; lib/operations/usage/histogram.ts says what each place stands for.
  buckets integer[] not null check (cardinality(buckets) <= 64),
  primary key (application_id, hour, operation),
  constraint errors_are_requests check (client_errors >= 0 and server_errors >= 0 and client_errors + server_errors <= requests)
) partition by range (hour);

create function audit.refuse_change() returns trigger
  language plpgsql set search_path = ''
as $$
begin
  raise exception 'records of accesses are never changed or deleted' using errcode = 'insufficient_privilege';
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

-- Makes the partitions of a month (in UTC), unless they are there. Attached and not made in place, which would keep
-- readers and the writer out for the moment.
create function audit.add_month(moment timestamptz) returns boolean
  language plpgsql security definer set search_path = ''
as $$
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
        -- The triggers on rows come with being attached, the one on truncating does not.
        execute format('create trigger never_emptied before truncate on audit.%I for each statement execute function audit.refuse_change()', part);
      end if;
      made := true;
    end if;
  end loop;
  return made;
end
$$;

-- Drops the months that lie more than `keep` whole months before the one of `moment`, or before that of the newest
-- record when that is earlier, so that no clock can drop what is young. Returns how many partitions that were.
create function audit.drop_months(moment timestamptz, keep integer) returns integer
  language plpgsql security definer set search_path = ''
as $$
declare
  newest constant timestamptz := (select max(at) from audit.accesses);
  first constant timestamp := date_trunc('month', least(moment, newest) at time zone 'UTC') - make_interval(months => keep);
  part text;
  dropped integer := 0;
begin
  if keep is null or keep < 3 then
    raise exception 'records of accesses are kept for three months or longer' using errcode = 'invalid_parameter_value';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('counterfoil audit months', 0));
  for part in
    select c.relname
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('audit.accesses'::regclass, 'audit.touched'::regclass, 'audit.usage'::regclass)
      and to_date(right(c.relname, 7), 'YYYY_MM') < first
    order by c.relname
  loop
    execute format('drop table audit.%I', part);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$$;

revoke all on function audit.refuse_change(), audit.add_month(timestamptz), audit.drop_months(timestamptz, integer) from public;
grant usage on schema audit to audit_writer, audit_reader, jobs;
grant usage on schema kernel to audit_writer, audit_reader;
grant execute on function audit.add_month(timestamptz) to audit_writer, jobs;
grant execute on function audit.drop_months(timestamptz, integer) to jobs;
-- What it inserted, it may know by its id, to count each line once.
grant insert, select (id) on audit.accesses to audit_writer;
grant insert on audit.touched to audit_writer;
grant select, insert, update (requests, client_errors, server_errors, buckets) on audit.usage to audit_writer;
grant select on audit.accesses, audit.touched, audit.usage to audit_reader;
