-- What follows the events: copies that are read instead of the tables that they come from.
create schema read_models;

-- How far each generation of a read model has followed the feed. One generation is read; a rebuild makes the next one beside it.
create table read_models.generations (
  model text collate "C" not null,
  generation integer not null check (generation >= 1),
  -- The last event of the feed that is in it.
  position bigint not null default 0 check (position >= 0),
  live boolean not null,
  primary key (model, generation)
);
create unique index generations_live on read_models.generations (model) where live;
create unique index generations_building on read_models.generations (model) where not live;
insert into read_models.generations (model, generation, live) values ('order_details', 1, true);

-- What orders need of their customers, as the events of customers say it.
create table read_models.customers (
  customer_id kernel.customer_id primary key,
  sequence integer not null,
  email text collate "C",
  name text,
  premium boolean not null
);

create table read_models.order_details (
  generation integer not null,
  order_id kernel.order_id not null,
  -- The last event of the order that is in it.
  sequence integer not null,
  -- Null for a guest.
  customer_id kernel.customer_id,
  -- Null until the event of the customer is there, and once they are erased.
  customer_email text collate "C",
  customer_name text,
  customer_premium boolean not null default false,
  status text collate "C" not null,
  placed_at timestamptz not null,
  changed_at timestamptz not null,
  -- Lines, amounts, payment, refunds and timeline.
  details jsonb not null,
  primary key (generation, order_id)
);
create index order_details_by_status on read_models.order_details (generation, status, order_id desc);
create index order_details_by_customer on read_models.order_details (generation, customer_id, order_id desc);
create index order_details_by_email on read_models.order_details (generation, customer_email, order_id desc);

grant usage on schema read_models to read_models, back_office_api, order_mails;
grant select, insert, update, delete on read_models.generations to read_models;
grant select, insert, update on read_models.customers to read_models;
grant select, insert, update, delete on read_models.order_details to read_models;
grant usage on schema outbox to read_models, back_office_api;
grant select, update (position) on outbox.events to read_models;

grant select on read_models.generations, read_models.order_details to back_office_api;
grant select (id, aggregate_id, sequence, position, occurred_at) on outbox.events to back_office_api;
grant select on read_models.customers to order_mails;
