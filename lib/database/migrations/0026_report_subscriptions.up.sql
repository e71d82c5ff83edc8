-- Reports that applications have sent to them again and again, and what became of each due time. ADR 101.
create domain kernel.report_subscription_id as text collate "C" check (value ~ '^rsb_[0-9a-f]{32}$');
create domain kernel.report_run_id as text collate "C" check (value ~ '^rrn_[0-9a-f]{32}$');

create table reports.subscriptions (
  id kernel.report_subscription_id primary key,
  application_id text collate "C" not null check (application_id ~ '^app_[0-9a-f]{32}$'),
  name text not null,
  report text not null check (report in ('sales', 'margin', 'products', 'cohorts', 'customers', 'stock')),
  parameters jsonb not null check (jsonb_typeof(parameters) = 'object'),
  range text,
  schedule jsonb not null check (jsonb_typeof(schedule) = 'object'),
  emails jsonb not null check (jsonb_typeof(emails) = 'array'),
  attachment text not null check (attachment in ('csv', 'none')),
  webhook boolean not null,
  status text not null default 'active' check (status in ('active', 'paused')),
  -- The next due time. What waits for newer data was first tried at `tried_at`, and is tried again at `retry_at`.
  due_at timestamptz,
  tried_at timestamptz,
  retry_at timestamptz,
  -- Due times that have ended.
  runs integer not null default 0 check (runs >= 0),
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint subscription_is_for_somebody check (webhook or jsonb_array_length(emails) > 0),
  constraint subscription_due_while_active check ((due_at is not null) = (status = 'active'))
);
create index subscriptions_by_application on reports.subscriptions (application_id, id);
create index subscriptions_due on reports.subscriptions (greatest(due_at, retry_at)) where due_at is not null;

-- One row for each due time that has ended, written in the transaction that writes its mails and its event.
create table reports.runs (
  id kernel.report_run_id primary key,
  subscription_id kernel.report_subscription_id not null references reports.subscriptions (id) on delete cascade,
  due_at timestamptz not null,
  status text not null check (status in ('sent', 'failed', 'skipped')),
  -- Why it was not sent as it should be: the code of a problem, or what the application lacks.
  reason text,
  first_day date,
  end_day date,
  as_of timestamptz,
  lag_seconds double precision check (lag_seconds >= 0),
  stale boolean not null default false,
  rows integer check (rows >= 0),
  emails integer not null check (emails >= 0),
  ended_at timestamptz not null,
  constraint run_once_each unique (subscription_id, due_at),
  constraint run_has_reason check ((reason is null) = (status = 'sent'))
);
create index runs_by_subscription on reports.runs (subscription_id, id desc);
create index runs_by_end on reports.runs (ended_at);

create table reports.idempotency_keys (
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
create index idempotency_keys_expiry on reports.idempotency_keys (expires_at);

grant usage on schema reports to reports_api, report_sender, jobs;
grant select, insert, delete,
  update (name, report, parameters, range, schedule, emails, attachment, webhook, status, due_at, tried_at, retry_at, version, updated_at)
  on reports.subscriptions to reports_api;
grant select on reports.runs to reports_api;
grant select, insert, update on reports.idempotency_keys to reports_api;

grant select, delete, update (due_at, tried_at, retry_at, runs) on reports.subscriptions to report_sender;
grant insert on reports.runs to report_sender;
grant usage on schema customers, outbox to report_sender;
grant insert on customers.mails, outbox.events to report_sender;

grant select (ended_at), delete on reports.runs to jobs;
grant select (expires_at), delete on reports.idempotency_keys to jobs;
