-- How much waits in each queue of the database, counted up to ten thousand. Each count reads an index of what waits, and nothing else.
create function monitor.read_queues() returns table (queue text, waiting integer)
language sql volatile security definer set search_path = '' as $$
  select 'events', count(*)::integer from (select from outbox.events where published_at is null limit 10000) as waiting
  union all
  select 'mails', count(*)::integer from (select from customers.mails where body is not null limit 10000) as waiting
  union all
  select 'imports', count(*)::integer from (select from catalog.imports where ended_at is null limit 10000) as waiting
  union all
  select 'exports', count(*)::integer from (select from reports.exports where ended_at is null limit 10000) as waiting
$$;

revoke all on function monitor.read_queues() from public;
grant execute on function monitor.read_queues() to monitor;
