drop table audit.operator_actions, audit.usage, audit.touched, audit.accesses;
drop function audit.drop_month(timestamptz, integer), audit.add_month(timestamptz), audit.refuse_change();
drop schema audit;
