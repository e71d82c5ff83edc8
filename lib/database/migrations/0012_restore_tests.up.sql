-- What became of each test that restored a backup, so that its age can be watched. The first row is from when the stage was
-- set up: a stage whose backups were never tested is as old as that.
create table monitor.restore_tests (
  tested_at timestamptz primary key,
  ok boolean not null,
  -- One sentence: what was found, or what the copy held.
  detail text not null
);

insert into monitor.restore_tests (tested_at, ok, detail) values (now(), true, 'the stage was set up');

grant select, insert on monitor.restore_tests to monitor;
