revoke all on all tables in schema orders, payments, stock, outbox, archive from cancellations_api;
revoke usage on schema orders, payments, stock, outbox, archive from cancellations_api;
