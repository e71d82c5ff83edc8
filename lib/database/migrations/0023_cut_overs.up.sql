-- What became of each cut-over from another shop, and of each rehearsal. It says that this shop sells: a load that followed would
-- write over what has changed here since. Written by the migrator alone. ADR 95.
create table archive.cut_overs (
  -- As the mapping names it.
  source text not null check (source ~ '^[a-z][a-z0-9-]{0,39}$'),
  state text not null check (state in ('rehearsing', 'rehearsed', 'running', 'failed', 'switched', 'backed out')),
  started_at timestamptz not null,
  -- Renewed while the command runs, so that a killed one does not keep the next one away.
  alive_until timestamptz not null,
  switched_at timestamptz,
  backed_out_at timestamptz,
  -- Each with the seconds that it took: freeze, export, load, verify, switch.
  steps jsonb not null default '[]' check (jsonb_typeof(steps) = 'array'),
  -- Since the old shop was closed.
  closed_seconds numeric,
  -- Why it failed, in one sentence.
  reason text,
  primary key (source, started_at),
  constraint switched_has_time check ((switched_at is not null) = (state in ('switched', 'backed out'))),
  constraint backed_out_has_time check ((backed_out_at is not null) = (state = 'backed out'))
);

-- One at a time, and none after the one that switched.
create unique index one_cut_over on archive.cut_overs (source) where state in ('running', 'switched');
