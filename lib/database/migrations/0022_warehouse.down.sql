drop function reporting.get_next_transaction(), reporting.changed_months(xid8), reporting.is_since(xid, xid8);
