create schema customers;

create table customers.customers (
  id kernel.customer_id primary key,
  email text collate "C" unique check (email = lower(email) and length(email) <= 254),
  -- Null until the customer has proved that the e-mail is theirs.
  confirmed_at timestamptz,
  name text check (length(name) between 1 and 200),
  -- The words of both, each after a blank, so that a search finds how they begin.
  words text generated always as (' ' || regexp_replace(lower(name || ' ' || email), '[^[:alnum:]]+', ' ', 'g')) stored,
  address jsonb check (jsonb_typeof(address) = 'object'),
  premium boolean not null default false,
  -- What the shop has verified: a business owes some taxes itself.
  verified_vat_number text check (verified_vat_number ~ '^[A-Z]{2}[0-9A-Z+*]{2,13}$'),
  -- Whether the event of the new customer is written: at their first confirmation or sign-in.
  announced boolean not null default false,
  password_hash text,
  -- Counts the changes of how the customer gets in. A sign-in that began before such a change opens no session.
  access_version integer not null default 1,
  -- Tokens that an issuer issued before this time are refused.
  tokens_not_before timestamptz,
  -- Null unless an operator has suspended the account: then nobody signs in to it.
  suspended_at timestamptz,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Set once the customer's data is erased. The row stays, because orders and accesses name its id.
  erased_at timestamptz,
  constraint complete_or_erased check (
    case when erased_at is null
      then email is not null and name is not null and password_hash is not null
      else email is null and name is null and password_hash is null and address is null and confirmed_at is null
        and not premium and verified_vat_number is null
    end
  )
);
create index customers_unconfirmed on customers.customers (created_at, id) where confirmed_at is null and erased_at is null;

-- Tokens that are sent by e-mail. A customer has at most one for each purpose; a new one replaces the one before. The mailer
-- makes the token when it sends the mail, so that only the mail ever holds it.
create table customers.email_tokens (
  customer_id kernel.customer_id not null references customers.customers (id),
  purpose text collate "C" not null check (purpose in ('confirm', 'reset', 'change')),
  -- SHA-256 of the token, in base64url; null until the mail is sent.
  hash text collate "C" unique check (length(hash) = 43),
  -- The customer's new e-mail, if the token changes it.
  email text collate "C" check (email = lower(email) and length(email) <= 254),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (customer_id, purpose),
  constraint change_names_email check ((purpose = 'change') = (email is not null))
);
create index email_tokens_expiry on customers.email_tokens (expires_at);

-- Outgoing mails, written in the transaction that causes them. Sending a mail deletes its text.
create table customers.mails (
  id kernel.mail_id primary key,
  kind text collate "C" not null,
  recipient text collate "C" not null check (length(recipient) <= 254),
  -- The recipient without a sub-address, and the network that asked for the mail: what is counted.
  mailbox text collate "C" not null generated always as (regexp_replace(recipient, '\+[^@]*(?=@)', '')) stored,
  network text collate "C",
  -- The API request that led to it, if one did.
  correlation_id text collate "C" check (length(correlation_id) <= 128),
  subject text,
  body text,
  -- A file that goes with it, by its name.
  attachment_name text,
  attachment text,
  -- The token that the mailer makes and puts into the text, if it has one.
  token_customer_id kernel.customer_id,
  token_purpose text collate "C" check (token_purpose in ('confirm', 'reset', 'change')),
  created_at timestamptz not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  sent_at timestamptz,
  given_up_at timestamptz,
  -- When the record is deleted.
  keep_until timestamptz not null check (keep_until > created_at),
  constraint token_is_named check ((token_customer_id is null) = (token_purpose is null)),
  constraint text_until_done check (
    (body is null) = (subject is null) and (body is null) = (sent_at is not null or given_up_at is not null)
    and (attachment is null) = (attachment_name is null) and (attachment is null or body is not null)
  )
);
create index mails_due on customers.mails ((kind <> 'reset'), next_attempt_at) where body is not null;
create index mails_by_mailbox on customers.mails (mailbox, created_at);
create index mails_by_end on customers.mails (keep_until);

-- Users of OpenID Connect issuers, and the customer that each of them is. DynamoDB holds a copy for the functions that
-- may not read this table.
create table customers.identities (
  id kernel.identity_id primary key,
  issuer text collate "C" not null check (length(issuer) between 1 and 500),
  -- The issuer's own id of its user, which it never gives to another user.
  subject text collate "C" not null check (length(subject) between 1 and 255),
  -- The address that the issuer reported last.
  email text check (length(email) <= 320),
  customer_id kernel.customer_id not null references customers.customers (id),
  linked_at timestamptz not null,
  last_used_at timestamptz not null,
  unique (issuer, subject)
);
create index identities_by_customer on customers.identities (customer_id, id);

-- First answers by caller and idempotency key, written in the transaction that they protect. The schemas catalog,
-- orders and payments have tables of the same shape, one for each role that answers requests.
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

grant usage on schema customers to customers_api, profiles_api, mailer, order_mails, owner_mails, jobs;

grant select, insert on customers.customers to customers_api;
grant update (email, confirmed_at, name, address, premium, verified_vat_number, announced, password_hash, access_version, tokens_not_before, suspended_at, version, updated_at)
  on customers.customers to customers_api;
grant select (id, email, name, words, address, premium, verified_vat_number, suspended_at, erased_at, created_at, updated_at, version)
  on customers.customers to profiles_api;
grant select on customers.identities to profiles_api;
grant select, insert, update on customers.email_tokens to customers_api;
grant select (kind, recipient, mailbox, network, created_at), insert on customers.mails to customers_api;
grant select, insert, update (email, last_used_at), delete on customers.identities to customers_api;
grant select, insert, update on customers.idempotency_keys to customers_api;

grant select, update (subject, body, attachment_name, attachment, attempts, next_attempt_at, sent_at, given_up_at) on customers.mails to mailer;
-- To write each mail once, by its id.
grant select (id), insert on customers.mails to order_mails, owner_mails;
grant select (customer_id, purpose, used_at, expires_at), update (hash) on customers.email_tokens to mailer;

grant select (expires_at), delete on customers.email_tokens to jobs;
grant select (keep_until), delete on customers.mails to jobs;
grant select (expires_at), delete on customers.idempotency_keys to jobs;
