-- Large reports that a job makes into files. The files are elsewhere. ADR 102.
create domain kernel.report_export_id as text collate "C" check (value ~ '^rex_[0-9a-f]{32}$');

create table reports.exports (
  id kernel.report_export_id primary key,
  application_id text collate "C" not null check (application_id ~ '^app_[0-9a-f]{32}$'),
  report text not null check (report in ('sales', 'margin', 'products', 'cohorts', 'customers', 'stock')),
  parameters jsonb not null check (jsonb_typeof(parameters) = 'object'),
  format text not null check (format in ('csv', 'parquet')),
  status text not null default 'pending' check (status in ('pending', 'running', 'completed', 'failed')),
  progress text not null default 'waiting' check (progress in ('waiting', 'reading', 'writing', 'done')),
  -- Whoever makes it has until `next_attempt_at`; then it is taken anew. Only the last attempt may write.
  attempts integer not null default 0 check (attempts >= 0),
  next_attempt_at timestamptz not null,
  rows integer check (rows >= 0),
  bytes bigint check (bytes >= 0),
  as_of timestamptz,
  lag_seconds double precision check (lag_seconds >= 0),
  stale boolean not null default false,
  failure jsonb check (jsonb_typeof(failure) = 'object'),
  created_at timestamptz not null,
  ended_at timestamptz,
  constraint export_ends check ((status in ('completed', 'failed')) = (ended_at is not null)),
  constraint export_fails_for_a_reason check ((failure is not null) = (status = 'failed')),
  constraint export_has_a_file check ((bytes is not null) = (status = 'completed'))
);
-- One under way for each application, so that none keeps the others waiting.
create unique index export_under_way on reports.exports (application_id) where ended_at is null;
create index exports_of_application on reports.exports (application_id, id);
create index exports_open on reports.exports (next_attempt_at) where ended_at is null;
create index exports_by_end on reports.exports (ended_at) where ended_at is not null;

grant select, insert on reports.exports to reports_api;

grant usage on schema reports to report_exporter;
grant select, update (status, progress, attempts, next_attempt_at, rows, bytes, as_of, lag_seconds, stale, failure, ended_at)
  on reports.exports to report_exporter;
-- What the role `reporting` reads.
grant usage on schema reporting to report_exporter;
grant execute on function reporting.get_freshness(), reporting.get_epoch(), reporting.day_begins(date, text),
  reporting.add_up_refunds(jsonb, text) to report_exporter;
grant select on reporting.orders, reporting.order_lines, reporting.payments, reporting.refunds, reporting.refund_lines,
  reporting.products, reporting.stock, reporting.stock_movements, reporting.customers_masked, reporting.customer_summary
  to report_exporter;

grant select (ended_at), delete on reports.exports to jobs;
