-- What the job check-health asks of PostgreSQL itself. Other sessions and statements are visible to pg_monitor alone, so each
-- function runs as its owner and gives numbers and names, never values: monitor itself sees no session of another role.

-- On Aurora the master user may create it. On a laptop it is its administrator's to create, and absent until then.
do $$
begin
  if exists (select from pg_catalog.pg_available_extensions where name = 'pg_stat_statements') then
    create extension if not exists pg_stat_statements with schema public;
  end if;
exception when insufficient_privilege then
  null;
end
$$;

-- Connections of all databases against the server's limit, and what this database's sessions wait for. Durations are whole seconds.
create function monitor.read_sessions(
  out connections integer, out connection_limit integer, out oldest_transaction integer, out lock_waits integer,
  out longest_lock_wait integer
)
language sql volatile security definer set search_path = '' as $$
  select
    (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'client backend'),
    current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
      - current_setting('reserved_connections')::integer,
    (
      select coalesce(floor(extract(epoch from max(clock_timestamp() - xact_start))), 0)
      from pg_catalog.pg_stat_activity
      where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()
    ),
    count(*),
    coalesce(floor(extract(epoch from max(clock_timestamp() - l.waitstart))), 0)
  from pg_catalog.pg_locks l
  join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where not l.granted and a.datname = current_database() and l.waitstart < clock_timestamp() - interval '1 second'
$$;

-- The size of this database, how near its oldest rows are to the age at which they must be frozen (100 is when a vacuum is forced),
-- and how many tables have twice the dead rows at which autovacuum should have come, and saw none for an hour.
create function monitor.read_storage(out bytes bigint, out freeze_percent integer, out unvacuumed integer)
language sql volatile security definer set search_path = '' as $$
  select
    pg_database_size(current_database()),
    (
      select floor(100 * max(age(c.relfrozenxid))::numeric / current_setting('autovacuum_freeze_max_age')::numeric)
      from pg_catalog.pg_class c where c.relkind in ('r', 't', 'm')
    ),
    (
      select count(*) from pg_catalog.pg_stat_user_tables t
      where t.n_dead_tup > 2 * (current_setting('autovacuum_vacuum_threshold')::numeric
          + current_setting('autovacuum_vacuum_scale_factor')::numeric * t.n_live_tup)
        and greatest(t.last_autovacuum, t.last_vacuum, pg_postmaster_start_time()) < clock_timestamp() - interval '1 hour'
    )
$$;

-- Indexes over 10 MB that nothing has used since statistics began a week ago or earlier, and large tables that are mostly read
-- from end to end.
create function monitor.read_index_advice() returns table (advice text, subject text)
language sql volatile security definer set search_path = '' as $$
  select 'unused', i.schemaname || '.' || i.indexrelname
  from pg_catalog.pg_stat_user_indexes i
  join pg_catalog.pg_index x on x.indexrelid = i.indexrelid
  join pg_catalog.pg_class o on o.oid = i.indexrelid
  -- By the pages that the last vacuum found: to ask for the size of now is to wait for whoever has locked the table.
  where i.idx_scan = 0 and not x.indisunique and o.relpages > 1280
    and not exists (select from pg_catalog.pg_constraint c where c.conindid = i.indexrelid)
    and (
      select coalesce(d.stats_reset, pg_postmaster_start_time()) from pg_catalog.pg_stat_database d
      where d.datname = current_database()
    ) < clock_timestamp() - interval '7 days'
  union all
  select 'missing', t.schemaname || '.' || t.relname
  from pg_catalog.pg_stat_user_tables t
  where t.n_live_tup > 10000 and t.seq_scan > 50 and t.seq_scan > coalesce(t.idx_scan, 0)
    and t.seq_tup_read / t.seq_scan > 10000
  order by 1, 2
$$;

-- What each statement of the login roles took so far, in whole milliseconds, without the values that it was given. Nothing where
-- pg_stat_statements is absent.
create function monitor.read_statements()
returns table (query_id bigint, role text, calls bigint, total_ms double precision, statement text)
language plpgsql volatile security definer set search_path = '' as $$
begin
  if to_regclass('public.pg_stat_statements') is null
    or current_setting('shared_preload_libraries') not like '%pg_stat_statements%' then
    return;
  end if;
  return query execute $statements$
    select s.queryid, r.rolname::text, sum(s.calls)::bigint, sum(s.total_exec_time),
      min(left(regexp_replace(s.query, '\s+', ' ', 'g'), 300))
    from public.pg_stat_statements s
    join pg_catalog.pg_roles r on r.oid = s.userid
    join pg_catalog.pg_database d on d.oid = s.dbid
    where d.datname = current_database() and s.queryid is not null and r.rolname not in ('rdsadmin', 'migrator')
      -- Other commands keep the values in their texts.
      and s.query ~* '^\s*(select|insert|update|delete|with|merge)\M'
    group by 1, 2
  $statements$;
end
$$;

revoke all on function monitor.read_sessions(), monitor.read_storage(), monitor.read_index_advice(), monitor.read_statements()
  from public;
grant execute on function monitor.read_sessions(), monitor.read_storage(), monitor.read_index_advice(), monitor.read_statements()
  to monitor;

-- How old the data of the reader are.
grant usage on schema reporting to monitor;
grant execute on function reporting.get_freshness() to monitor;
