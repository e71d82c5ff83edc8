-- Customers prove that an e-mail is theirs, reset passwords and change e-mails, by tokens that are mailed to them.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'mailer') then
    create role mailer login;
  end if;
  grant rds_iam to mailer;
  alter role mailer set search_path = '';
  alter role mailer set statement_timeout = '5s';
  alter role mailer set lock_timeout = '4s';
  alter role mailer set idle_in_transaction_session_timeout = '10s';
  execute format('grant connect on database %I to mailer', current_database());
end
$$;

-- Whoever is there counts as confirmed from now on, and so does whom the release before still signs up.
alter table customers.customers add column confirmed_at timestamptz default now();
-- Counts the passwords that a customer has had: a session that was opened by an older one is no session.
alter table customers.customers add column password_version integer not null default 1;

-- At most one token of a purpose for each customer: a new one takes the place of the one before.
create table customers.email_tokens (
  customer_id kernel.customer_id not null references customers.customers (id),
  purpose text collate "C" not null check (purpose in ('confirm', 'reset', 'change')),
  -- SHA-256 of the token, in base64url; the token itself is in the mail alone.
  hash text collate "C" not null unique check (length(hash) = 43),
  -- The e-mail that is to be the customer's.
  email text collate "C" check (email = lower(email) and length(email) <= 254),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (customer_id, purpose),
  constraint change_names_email check ((purpose = 'change') = (email is not null))
);
create index email_tokens_expiry on customers.email_tokens (expires_at);

create domain kernel.mail_id as text collate "C" check (value ~ '^eml_[0-9a-f]{32}$');
grant usage on schema kernel, customers to mailer;

-- Mails to be sent, written in the transaction of what they tell. The text may hold a token, and goes once it is sent.
create table customers.mails (
  id kernel.mail_id primary key,
  kind text collate "C" not null,
  recipient text collate "C" not null check (length(recipient) <= 254),
  subject text,
  body text,
  created_at timestamptz not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  sent_at timestamptz,
  given_up_at timestamptz,
  constraint text_until_done check (
    (body is null) = (subject is null) and (body is null) = (sent_at is not null or given_up_at is not null)
  )
);
create index mails_due on customers.mails (next_attempt_at) where body is not null;
create index mails_by_recipient on customers.mails (recipient, created_at);
create index mails_by_age on customers.mails (created_at);

grant update (email, confirmed_at, password_version) on customers.customers to customers_api;
grant select, insert, update on customers.email_tokens to customers_api;
grant select (recipient, created_at), insert on customers.mails to customers_api;
grant select on customers.mails to mailer;
grant update (subject, body, attempts, next_attempt_at, sent_at, given_up_at) on customers.mails to mailer;
grant select (created_at), delete on customers.mails to jobs;
grant select (expires_at), delete on customers.email_tokens to jobs;
