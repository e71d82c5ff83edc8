import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withKeptTexts } from '../../lib/platform/sql-text.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let native: Sql;
let sql: Sql;

beforeAll(async () => {
  database = await createDatabase();
});
beforeEach(async () => {
  native = database.connect('monitor', { ...poolOptions, max: 1 });
  sql = withKeptTexts(native, () => undefined);
  return () => native.end({ timeout: 1 });
});
afterAll(() => database?.drop());

const textOf = async (row: Promise<unknown> | PromiseLike<unknown>): Promise<string> =>
  ((await row) as { text: string }[])[0]!.text;

describe('a statement', () => {
  /** Each made by the same function with either handle. */
  const statements: Record<string, (tag: Sql) => PromiseLike<unknown>> = {
    'without parameters': (tag) => tag`select 1 as a, null as b, 'two  words' as c`,
    'with values of each kind': (tag) => tag`
      select ${'it’s'}::text as a, ${7}::integer as b, ${null}::text as c, ${new Date(0)}::timestamptz as d, ${true}::boolean as e,
        ${tag.json({ a: [1] })}::jsonb as f`,
    'of nested fragments': (tag) => {
      const less = (than: number) => tag`n < ${than}`;
      const also = tag`and ${less(8)} ${tag``} and n <> ${3}`;
      return tag`select array_agg(n order by n) as ns from generate_series(1, ${9}::integer) n where ${less(7)} ${also}`;
    },
    'of a list of fragments': (tag) =>
      tag`select n from (values ${[1, 2, 3].map((n) => tag`${n === 1 ? tag`` : tag`,`} (${n}::integer)`)}) v (n)`,
    'with names': (tag) => tag`select ${tag('v.n"m')} as ${tag('x')} from (values (${1}::integer)) v ("n""m")`,
    'with a helper of the driver': (tag) =>
      tag`select ${tag(['a', 'b'])} from (values ${tag([[1, 2]] as never)}) v (a, b) where a = ${'1'} ${tag`and true`}`,
    'with the driver’s own fragment': (tag) =>
      tag`select ${tag.unsafe(`'written'`) as never} as a where ${1}::integer = 1`,
  };

  test.each(Object.keys(statements))('%s gives what the driver gives, each time', async (name) => {
    const expected = await statements[name]!(native);
    for (let time = 0; time < 3; time++) expect(await statements[name]!(sql)).toEqual(expected);
  });

  test('has one text for each shape, whatever its values, and the parts that differ make others', async () => {
    const texts = new Set<string>();
    for (const n of [1, 2, 3]) {
      for (const more of [true, false]) {
        texts.add(
          await textOf(
            sql`select current_query() as text where ${n}::integer > 0 ${more ? sql`and ${n} = ${n}` : sql``}`,
          ),
        );
      }
      texts.add(
        await textOf(
          sql`select current_query() as text where 1 in (${Array.from({ length: n }, (_, i) => sql`${i === 0 ? sql`` : sql`,`} ${i}::integer`)}) or true`,
        ),
      );
      texts.add(
        await textOf(
          sql`select current_query() as text where ${'x'} = ${sql(n === 1 ? 'a' : 'b')} or true from (select 1) t`.catch(
            () => [{ text: 'refused' }],
          ),
        ),
      );
    }
    expect(texts.size).toBe(2 + 3 + 1);
    const [row] =
      await native`select count(*)::integer as n from pg_prepared_statements where statement like '%current_query%'`;
    expect(row!.n, 'with this one').toBe(2 + 3 + 1);
  });

  test('has its text forgotten when there are too many, and made again', async () => {
    /** The driver gets the same literal as long as the text is kept. */
    const literals: unknown[] = [];
    const driver = Object.assign(
      (literal: unknown) => {
        literals.push(literal);
        return Promise.resolve([]);
      },
      { options: {} },
    );
    const tag = withKeptTexts(driver as unknown as Sql, () => undefined);
    const first = () => tag`select ${1}`;
    await first();
    await first();
    expect(literals[0]).toBe(literals[1]);
    for (let n = 0; n < 2500; n++) await tag`select ${tag(`column_${n}`)}`;
    await first();
    expect(literals.at(-1)).toEqual(literals[0]);
    expect(literals.at(-1)).not.toBe(literals[0]);
  });

  test('loses its indentation, but not what stands between quotes', async () => {
    const plain = await textOf(sql`
      select current_query() as text
        where ${1}::integer = 1`);
    expect(plain).toBe('\nselect current_query() as text\nwhere $1::integer = 1');
    const [row] = await sql`
      select 'two
        lines' as quoted`;
    expect(row!.quoted).toBe('two\n        lines');
  });

  test('is sent when somebody waits for it, and once', async () => {
    await native`create temporary table seen (n integer)`;
    const fragment = sql`insert into seen values (1)`;
    void sql`select ${fragment}`;
    const [count] = await native`select count(*)::integer as n from seen`;
    expect(count!.n).toBe(0);
    const sent = sql`insert into seen values (2)`;
    await Promise.all([sent, sent, sent.catch(() => {})]);
    await sent;
    expect(await native`select n from seen`).toEqual([{ n: 2 }]);
  });

  test('gives its rows a few at a time', async () => {
    const pages: number[][] = [];
    const numbers = sql`select n from generate_series(1, ${5}::integer) n ${sql`order by n`}`;
    for await (const rows of numbers.cursor(2)) pages.push(rows.map(({ n }) => n));
    expect(pages).toEqual([[1, 2], [3, 4], [5]]);
  });

  test('refuses what is undefined, as the driver does', async () => {
    const none = undefined as unknown as string;
    await expect(sql`select ${none}::text`).rejects.toMatchObject({ code: 'UNDEFINED_VALUE' });
  });

  test('that fails says where it stands in the source', async () => {
    const asksForNothing = () => sql`select ${1}::integer from no_such_table`;
    const error: Error = await asksForNothing().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: '42P01' });
    expect(error.stack).toMatch(/asksForNothing .*sql-text\.test\.ts/);
  });
});

test('a transaction and a savepoint have handles that keep texts too', async () => {
  const twice = (tag: Sql, n: number) =>
    tag`select current_query() as text, ${n}::integer as n where ${sql`${n}::integer`} > 0`;
  await sql.begin(async (tx) => {
    const rows = [await twice(tx as unknown as Sql, 1)];
    rows.push(await tx.savepoint((inner) => twice(inner as unknown as Sql, 2)));
    expect(rows.flat().map(({ n }) => n)).toEqual([1, 2]);
    expect(new Set(rows.flat().map(({ text }) => text)).size).toBe(1);
  });
  await expect(
    sql.begin(async (tx) => {
      await tx`create temporary table rolled_back (n integer)`;
      throw new Error('back');
    }),
  ).rejects.toThrow('back');
  await expect(sql`select from rolled_back`).rejects.toMatchObject({ code: '42P01' });
});
