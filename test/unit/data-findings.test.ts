import { expect, test } from 'vitest';
import { dataFinding } from '../../infra/local/doctor/database.sql.ts';
import type { DataMigration } from '../../lib/database/data-migrations.sql.ts';

const now = Date.UTC(2030, 0, 1);
const hoursAgo = (hours: number) => new Date(now - hours * 3600_000);
const begun: DataMigration = {
  name: '0031_families',
  checksum: '',
  paused: false,
  position: 'a',
  pass: 1,
  passSeen: 10,
  passChanged: 9,
  changed: 9,
  batches: 2,
  longestMs: 5,
  startedAt: hoursAgo(5),
  lastBatchAt: hoursAgo(0.1),
  finishedAt: null,
  note: null,
};

test.each<[string, Partial<DataMigration>, string[]]>([
  ['finished', { finishedAt: hoursAgo(1) }, []],
  ['at work', {}, ['ok']],
  ['not begun', { startedAt: null, lastBatchAt: null }, ['ok']],
  ['resting before its second pass', { pass: 2, position: null, lastBatchAt: hoursAgo(1.5) }, ['ok']],
  ['silent for two hours', { lastBatchAt: hoursAgo(2.1) }, ['warn npm run migrate -- data run 0031_families']],
  ['waiting', { note: 'waits: 1 sessions wait for locks' }, ['warn npm run migrate -- data run 0031_families']],
  ['paused', { paused: true }, ['warn npm run migrate -- data resume 0031_families']],
  ['refused', { note: 'failed: new row' }, ['fail npm run migrate -- data run 0031_families']],
])('the doctor on a data migration that is %s', (_, row, findings) => {
  const found = dataFinding({ ...begun, ...row }, now);
  expect(found.map(({ level, mend = '' }) => `${level} ${mend}`.trim())).toEqual(findings);
});
