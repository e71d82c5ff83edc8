-- Which customer a user of an OpenID Connect issuer is. DynamoDB has a copy for those who may not ask here.
create domain kernel.identity_id as text collate "C" check (value ~ '^idn_[0-9a-f]{32}$');

create table customers.identities (
  id kernel.identity_id primary key,
  issuer text collate "C" not null check (length(issuer) between 1 and 500),
  -- The issuer's own name of its user, which it gives to nobody else.
  subject text collate "C" not null check (length(subject) between 1 and 255),
  customer_id kernel.customer_id not null references customers.customers (id),
  linked_at timestamptz not null,
  last_used_at timestamptz not null,
  unique (issuer, subject)
);
create index identities_by_customer on customers.identities (customer_id, id);

grant select, insert, delete on customers.identities to customers_api;
grant update (last_used_at) on customers.identities to customers_api;
