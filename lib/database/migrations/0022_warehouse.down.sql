drop function reporting.changed_months(xid8), reporting.is_since(xid, xid8);
