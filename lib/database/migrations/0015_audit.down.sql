drop table audit.usage, audit.touched, audit.accesses;
drop function audit.drop_months(timestamptz, integer), audit.add_month(timestamptz), audit.refuse_change();
revoke usage on schema kernel from audit_writer, audit_reader;
drop schema audit;
drop domain kernel.access_id;

-- A role that another database of this server still uses stays.
do $$
declare
  name text;
begin
  foreach name in array array['audit_writer', 'audit_reader'] loop
    execute format('revoke all on database %I from %I', current_database(), name);
    begin
      execute format('drop role %I', name);
    exception when dependent_objects_still_exist then
      null;
    end;
  end loop;
end
$$;
