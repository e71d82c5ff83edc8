drop table read_models.order_details, read_models.customers, read_models.generations;
revoke usage on schema outbox from read_models, back_office_api;
revoke all on outbox.events from read_models, back_office_api;
drop schema read_models;
