create domain kernel.import_id as text collate "C" check (value ~ '^imp_[0-9a-f]{32}$');

-- Files that a job reads, and how far it has come. A file goes when its import has ended.
create table catalog.imports (
  id kernel.import_id primary key,
  kind text not null check (kind in ('products', 'stock-movements')),
  format text not null check (format in ('ndjson', 'csv')),
  application_id text collate "C" not null check (application_id ~ '^app_[0-9a-f]{32}$'),
  request_id text not null,
  status text not null default 'pending' check (status in ('pending', 'running', 'completed', 'rejected')),
  content text,
  total integer check (total >= 0),
  -- The rows that were applied or have failed are the first ones of the file.
  applied integer not null default 0 check (applied >= 0),
  failed integer not null default 0 check (failed >= 0),
  errors jsonb not null default '[]' check (jsonb_typeof(errors) = 'array'),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  ended_at timestamptz,
  constraint import_ends_without_content check (
    (status in ('completed', 'rejected')) = (ended_at is not null) and (content is null) = (ended_at is not null)
  ),
  constraint import_within_total check (applied + failed <= total or status = 'rejected')
);
create index imports_open on catalog.imports (id) where ended_at is null;
create index imports_ended on catalog.imports (ended_at) where ended_at is not null;

grant select, insert, update (status, content, total, applied, failed, errors, updated_at, ended_at)
  on catalog.imports to catalog_api;
grant select (ended_at), delete on catalog.imports to jobs;
