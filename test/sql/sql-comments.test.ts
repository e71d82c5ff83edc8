import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { correlated } from '../../lib/kernel/correlation.ts';
import { commentsOn, isSampled } from '../../lib/platform/sql-comments.ts';
import { withKeptTexts } from '../../lib/platform/sql-text.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../support/postgres.ts';

let database: TestDatabase;
let plain: Sql;

beforeAll(async () => {
  database = await createDatabase();
});
beforeEach(async () => {
  // One connection, so that what it has prepared is seen.
  plain = database.connect('monitor', { ...poolOptions, max: 1 });
  return () => plain.end({ timeout: 1 });
});
afterAll(() => database?.drop());

const prepares = testPostgres().bouncer?.prepares !== false;

const ids = Array.from({ length: 1000 }, (_, i) => `req_${i}`);
const sampled = ids.find(isSampled)!;
const other = ids.find((id) => !isSampled(id))!;

/** The text of a statement as PostgreSQL has it, in its log and among its sessions. */
async function textOf(sql: Sql, n = 1): Promise<string> {
  const [row] = await sql`select current_query() as text ${n > 0 ? sql`where ${n}::integer > 0` : sql``}`;
  return row!.text;
}
const prepared = async () =>
  (await plain`select count(*)::integer as n from pg_prepared_statements where statement like ${'%current_query%'}`)[0]!
    .n;

const comment = (id: string) => ` /*correlation_id='${id}'*/`;

test('one request in about a hundred is sampled', () => {
  expect(ids.filter(isSampled).length).toBeGreaterThan(3);
  expect(ids.filter(isSampled).length).toBeLessThan(30);
});

describe('by default', () => {
  test('the statements of a sampled request name it, once each, and are not prepared', async () => {
    const sql = withKeptTexts(plain, commentsOn('sampled'));
    const texts = await correlated(sampled, () => Promise.all([1, 2, 3].map((n) => textOf(sql, n))));
    for (const text of texts) {
      expect(text).toContain('where $1::integer > 0');
      expect(text.endsWith(comment(sampled)), text).toBe(true);
      expect(text.split('/*')).toHaveLength(2);
    }
    expect(await prepared()).toBe(0);
  });

  // Not where PgBouncer judges and keeps no prepared statements.
  test.skipIf(!prepares)('those of all others are prepared once, and the same text for everybody', async () => {
    const sql = withKeptTexts(plain, commentsOn('sampled'));
    for (const id of [other, undefined]) expect(await correlated(id, () => textOf(sql))).not.toContain('/*');
    expect(await prepared()).toBe(1);
    // A sampled one in between takes nothing away from them.
    await correlated(sampled, () => textOf(sql));
    expect(await correlated(other, () => textOf(sql))).not.toContain('/*');
    expect(await prepared()).toBe(1);
  });

  test('an id that could leave the comment is none', async () => {
    const sql = withKeptTexts(plain, commentsOn('all'));
    for (const id of ["x'*/ ; select 1 /*", '', 'x'.repeat(129), 7]) {
      expect(await correlated(id, () => textOf(sql)), String(id)).not.toContain('/*');
    }
  });
});

test('in a transaction, too, with what a statement returns unchanged', async () => {
  const sql = withKeptTexts(plain, commentsOn('sampled'));
  const inside = () =>
    inTransaction(sql, async (tx) => [await textOf(tx as unknown as Sql), await textOf(tx as unknown as Sql, 0)]);
  for (const text of await correlated(sampled, inside)) expect(text.endsWith(comment(sampled)), text).toBe(true);
  for (const text of await correlated(other, inside)) expect(text).not.toContain('/*');
});

test('all requests or none, when a deployment says so', async () => {
  const [all, none] = [withKeptTexts(plain, commentsOn('all')), withKeptTexts(plain, commentsOn('none'))];
  expect(await correlated(other, () => textOf(all))).toContain(comment(other));
  expect(await correlated(sampled, () => textOf(none))).not.toContain('/*');
});

test('requests that run at the same time name themselves and not each other', async () => {
  const sql = withKeptTexts(plain, commentsOn('all'));
  const texts = await Promise.all(ids.slice(0, 20).map((id) => correlated(id, () => textOf(sql))));
  expect(texts.map((text) => /'(req_\d+)'/.exec(text)?.[1])).toEqual(ids.slice(0, 20));
});
