revoke execute on function reporting.get_freshness() from monitor;
revoke usage on schema reporting from monitor;
drop function monitor.read_sessions(), monitor.read_storage(), monitor.read_index_advice(), monitor.read_statements();
do $$
begin
  drop extension if exists pg_stat_statements;
exception when insufficient_privilege then
  null;
end
$$;
