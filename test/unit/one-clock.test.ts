import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import { clock, useClock } from '../../lib/platform/clock.ts';
import { runtime } from '../../lib/platform/handlers/lambda.ts';

const root = resolve(import.meta.dirname, '../..');
const files = ['functions', 'lib'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((file) => /\.(ts|sql)$/.test(file) && !file.startsWith('lib/contract/api/assets/')),
);

/** Ways to read the machine's time without the clock, in TypeScript and in SQL. */
const sources = {
  ts: /\bsystemClock\b|\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(|\bperformance\.|\bhrtime\b/g,
  sql: /\b(current_(timestamp|date|time)|localtime(stamp)?|(statement_|transaction_|clock_)timestamp|timeofday|(?<!\.)now\(\))/gi,
};

/** Where that is allowed, and why. */
const excepted: Record<string, string> = {
  'lib/analytics/sales.sql.ts clock_timestamp': 'how old a load is, whose time is the database’s',
  'lib/analytics/warehouse/extract.sql.ts now()': 'says when a snapshot was taken, by the clock that measures its age',
  'lib/kernel/clock.ts systemClock': 'is the machine’s clock',
  'lib/kernel/clock.ts Date.now': 'is the machine’s clock',
  'lib/kernel/clock.ts performance.': 'is the machine’s stopwatch',
  'lib/platform/clock.ts systemClock': 'is the clock until the host puts in its own',
  'lib/database/applied.sql.ts clock_timestamp': 'says when a migration was applied',
  'lib/database/data-migrations.sql.ts clock_timestamp': 'says how long sessions wait, by the server they wait in',
  'lib/database/data-migrations.sql.ts performance.': 'says how long a batch took',
  'lib/database/migrations/0007_outbox.up.sql clock_timestamp': 'makes the id of an event of the given time',
  'lib/database/migrations/0010_privacy.up.sql clock_timestamp': 'makes the id of an event of the given time',
  'lib/database/migrations/0016_order_details.up.sql clock_timestamp': 'makes the id of an event of the given time',
  'lib/database/migrations/0018_reporting.up.sql clock_timestamp':
    'says how far a reader is behind its writer, by the clocks that write the log',
  'lib/database/migrations/0024_health.up.sql clock_timestamp':
    'says how long transactions and locks last, by the server that began them',
  'lib/database/migrate.ts performance.': 'says how long a migration took',
  'lib/database/migrations/0012_restore_tests.up.sql now()': 'says since when backups are to be tested',
};

afterEach(() => useClock({ now: () => Date.now() }));

test('the time comes from the one clock everywhere', () => {
  const found = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/^\s*(--|\/?\*|\/\/).*$/gm, '');
    // Files of both kinds contain SQL.
    const seen = [...(file.endsWith('.ts') ? text.matchAll(sources.ts) : []), ...inSql(file, text)];
    return seen.map(([source]) => `${file} ${source}`);
  });
  expect([...new Set(found)].toSorted()).toEqual(Object.keys(excepted).toSorted());
  expect(files.length).toBeGreaterThan(80);
});

test('code that holds the clock already follows a replacement', () => {
  const { clock: taken } = runtime();
  let now = Date.UTC(2040, 0, 1);
  useClock({ now: () => now });
  expect(taken.now()).toBe(now);
  now += 1000;
  expect(clock.now()).toBe(now);
  expect(Number.parseInt(newId('order', clock).slice(4, 16), 16)).toBe(now);
});

const inSql = (file: string, text: string): RegExpMatchArray[] =>
  file.endsWith('.sql')
    ? [...text.matchAll(sources.sql)]
    : statementsIn(text).flatMap((s) => [...s.matchAll(sources.sql)]);

const statementsIn = (text: string): string[] =>
  [...text.matchAll(/(?:sql|tx)(?:<[^>]*>)?`([^`]*)`/g)].map((m) => m[1]!);
