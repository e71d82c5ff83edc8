create table customers.customers (
  id kernel.customer_id primary key,
  email text collate "C" not null unique check (email = lower(email) and length(email) <= 254),
  name text not null check (length(name) between 1 and 200),
  password_hash text not null,
  address jsonb check (jsonb_typeof(address) = 'object'),
  premium boolean not null default false,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- First answers by caller and key, written in the transaction of what they protect.
create table customers.idempotency_keys (
  caller text collate "C" not null,
  key text collate "C" not null check (length(key) between 1 and 255),
  operation text not null,
  request_hash text not null,
  status smallint not null,
  headers jsonb not null,
  body text,
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at >= created_at + interval '24 hours'),
  primary key (caller, key)
);
create index idempotency_keys_expiry on customers.idempotency_keys (expires_at);

grant select, insert on customers.customers to customers_api;
grant update (name, address, premium, password_hash, version, updated_at) on customers.customers to customers_api;
grant select, insert, update on customers.idempotency_keys to customers_api;
grant select (expires_at), delete on customers.idempotency_keys to jobs;
