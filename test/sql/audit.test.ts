import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessLine } from '../../lib/contract/deploy/access-line.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { listAccesses, listReaders } from '../../lib/operations/audit/read.sql.ts';
import { addMonth, recordAccesses, rotateMonths } from '../../lib/operations/audit/record.sql.ts';
import { readUsage } from '../../lib/operations/usage/usage.sql.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';

let database: TestDatabase;
let writer: Sql;
let reader: Sql;
let jobs: Sql;
let owner: Sql;

beforeAll(async () => {
  database = await createDatabase();
  const connect = (role: string) => database.connect(role, { ...poolOptions, max: 4 }) as unknown as Sql;
  [writer, reader, jobs, owner] = ['audit_writer', 'audit_reader', 'jobs', 'migrator'].map(connect) as [
    Sql,
    Sql,
    Sql,
    Sql,
  ];
});
afterAll(async () => {
  await Promise.all([writer, reader, jobs, owner].map((sql) => sql?.end()));
  await database?.drop();
});

const someId = (prefix: string): string => newId('order', systemClock).replace('ord', prefix);
const timeOf = (at: string) => ({ now: () => Date.parse(at) });

function line(at: string, also: Partial<AccessLine> = {}): AccessLine {
  return {
    accessId: newId('access', timeOf(at)),
    at: new Date(at).toISOString(),
    operation: 'get-order',
    write: false,
    status: 200,
    problem: null,
    milliseconds: 12.4,
    requestId: 'req-1',
    applicationId: null,
    keyId: null,
    customerId: null,
    network: '203.0.113.0/24',
    resources: [],
    ...also,
  };
}

const all = { from: new Date('2020-01-01'), to: new Date('2040-01-01'), limit: 100 };

describe('recording', () => {
  test('a line that comes again, alone, beside others or twice in one batch, is stored and counted once', async () => {
    const application = someId('app');
    const order = someId('ord');
    const lines = [1, 2, 3].map(() =>
      line('2026-03-14T09:26:53Z', { applicationId: application, resources: [order, order] }),
    );
    expect(await recordAccesses(writer, [lines[0]!, lines[0]!])).toBe(1);
    expect(await recordAccesses(writer, lines)).toBe(2);
    expect(await recordAccesses(writer, lines.toReversed())).toBe(0);
    expect((await listAccesses(reader, { ...all, resource: order })).data).toHaveLength(3);
    expect(await readUsage(reader, { applicationId: application, ...all })).toMatchObject([{ requests: 3 }]);
  });

  test('an access is shown as it was recorded', async () => {
    const [application, customer, order, key] = ['app', 'cus', 'ord', 'key'].map(someId) as [
      string,
      string,
      string,
      string,
    ];
    const refused = line('2026-03-15T10:00:00.123Z', {
      write: true,
      status: 403,
      problem: 'forbidden',
      applicationId: application,
      customerId: customer,
      keyId: key,
      resources: [customer, order],
    });
    await recordAccesses(writer, [refused]);
    const { data } = await listAccesses(reader, { ...all, customer });
    const { accessId, write, ...told } = refused;
    expect(data).toEqual([{ ...told, id: accessId, kind: 'write', milliseconds: 12 }]);
  });

  test('a line whose month is missing adds the month, and so do several concurrent lines', async () => {
    const order = someId('ord');
    const lines = Array.from({ length: 8 }, (_, n) =>
      line(`2031-0${1 + (n % 4)}-28T23:59:59.999Z`, { resources: [order] }),
    );
    const counts = await Promise.all(lines.map((each) => recordAccesses(writer, [each])));
    expect(counts).toEqual(lines.map(() => 1));
    expect((await listAccesses(reader, { ...all, resource: order })).data).toHaveLength(8);
    expect(await addMonth(writer, new Date('2031-01-31T23:59:59.999Z'))).toBe(false);
    expect(await addMonth(writer, new Date('2031-12-31T23:59:59.999Z'))).toBe(true);
  });

  test('batches that count the same hours in different orders do not deadlock', async () => {
    const applications = Array.from({ length: 6 }, () => someId('app'));
    const batch = (order: readonly string[]) =>
      order.map((applicationId) => line('2026-03-14T09:00:00Z', { applicationId }));
    await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        recordAccesses(writer, batch(n % 2 === 0 ? applications : applications.toReversed())),
      ),
    );
    for (const applicationId of applications) {
      expect(await readUsage(reader, { applicationId, ...all })).toMatchObject([{ requests: 12 }]);
    }
  });

  test('a batch is stored whole or not at all', async () => {
    const order = someId('ord');
    const wrong = line('2026-03-14T09:00:00Z', { customerId: 'nobody' });
    await expect(
      recordAccesses(writer, [line('2026-03-14T09:00:00Z', { resources: [order] }), wrong]),
    ).rejects.toMatchObject({ code: '23514' });
    expect((await listAccesses(reader, { ...all, resource: order })).data).toEqual([]);
  });
});

describe('reading', () => {
  test('pages come newest first without a gap, across months and within one millisecond', async () => {
    const order = someId('ord');
    const application = someId('app');
    const times = ['2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00Z', '2026-02-01T00:00:00Z', '2026-04-02T00:00:00Z'];
    const lines = [...times, ...times].map((at) => line(at, { resources: [order], applicationId: application }));
    await recordAccesses(writer, lines);
    const expected = lines
      .map(({ accessId }) => accessId)
      .toSorted()
      .toReversed();
    for (const filter of [{ resource: order }, { application }]) {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await listAccesses(reader, { ...all, ...filter, limit: 3, cursor });
        found.push(...page.data.map(({ id }) => id));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(found).toEqual(expected);
    }
    await expect(
      listAccesses(reader, {
        ...all,
        application,
        cursor: (await listAccesses(reader, { ...all, resource: order, limit: 3 })).nextCursor!,
      }),
    ).rejects.toMatchObject({ code: 'invalid-cursor' });
  });

  test('one call lists the applications that read a customer’s data in a month, without refused requests', async () => {
    const customer = someId('cus');
    const [shop, office] = [someId('app'), someId('app')];
    const named = { resources: [customer, someId('ord')] };
    await recordAccesses(writer, [
      line('2026-02-28T23:59:59.999Z', { ...named, applicationId: shop }),
      line('2026-03-01T00:00:00Z', { ...named, applicationId: shop }),
      line('2026-03-20T00:00:00Z', { ...named, applicationId: shop }),
      line('2026-03-21T00:00:00Z', { ...named, applicationId: shop, write: true, status: 201 }),
      line('2026-03-22T00:00:00Z', { ...named, applicationId: office, status: 403, problem: 'forbidden' }),
      line('2026-03-23T00:00:00Z', { ...named, applicationId: office }),
      line('2026-04-01T00:00:00Z', { ...named, applicationId: office }),
    ]);
    const march = { from: new Date('2026-03-01'), to: new Date('2026-04-01') };
    expect(await listReaders(reader, { customer, ...march })).toEqual([
      { applicationId: shop, reads: 2, writes: 1, first: '2026-03-01T00:00:00.000Z', last: '2026-03-21T00:00:00.000Z' },
      {
        applicationId: office,
        reads: 1,
        writes: 0,
        first: '2026-03-23T00:00:00.000Z',
        last: '2026-03-23T00:00:00.000Z',
      },
    ]);
  });

  test('usage is the sum of hours for each operation, the most used first', async () => {
    const applicationId = someId('app');
    const of = (operation: string, at: string, status: number, milliseconds: number) =>
      line(at, { applicationId, operation, status, milliseconds });
    await recordAccesses(writer, [
      of('get-order', '2026-03-14T08:59:59Z', 200, 1),
      of('get-order', '2026-03-14T09:00:00Z', 200, 10),
      of('get-order', '2026-03-14T09:59:59Z', 404, 10),
      of('get-order', '2026-03-14T10:00:00Z', 503, 1000),
      of('place-order', '2026-03-14T10:10:00Z', 202, 100),
    ]);
    const within = { from: new Date('2026-03-14T09:30:00Z'), to: new Date('2026-03-14T11:00:00Z') };
    const [first, second, ...others] = await readUsage(reader, { applicationId, ...within });
    expect(others).toEqual([]);
    expect(first).toMatchObject({ operation: 'get-order', requests: 3, clientErrors: 1, serverErrors: 1 });
    expect(second).toMatchObject({ operation: 'place-order', requests: 1, clientErrors: 0, serverErrors: 0 });
    expect(first!.p50Milliseconds).toBeCloseTo(10, -0.5);
    expect(Math.abs(first!.p99Milliseconds / 1000 - 1)).toBeLessThan(0.1);
  });
});

describe('nobody changes a record', () => {
  const tables = ['audit.accesses', 'audit.touched', 'audit.accesses_2026_03', 'audit.touched_2026_03'];
  beforeAll(async () => {
    await recordAccesses(writer, [line('2026-03-14T09:00:00Z', { resources: [someId('ord')] })]);
  });

  test.each(tables)(
    '%s: neither its owner nor any role that works on it changes, deletes or empties',
    async (table) => {
      for (const sql of [owner, writer, reader, jobs]) {
        for (const statement of [
          `update ${table} set at = at`,
          `update ${table} set application_id = null`,
          `delete from ${table}`,
          `truncate ${table}`,
        ]) {
          await expect(sql.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' });
        }
      }
    },
  );

  test('usage is a count and no record: its owner can empty a month', async () => {
    await owner`truncate audit.usage_2026_03`;
    expect(await owner`select requests from audit.usage_2026_03`).toEqual([]);
  });

  test('the writer cannot read records', async () => {
    await expect(writer`select * from audit.accesses`).rejects.toMatchObject({ code: '42501' });
    await expect(writer`select * from audit.touched`).rejects.toMatchObject({ code: '42501' });
    await expect(writer`select audit.drop_month(now(), 13)`).rejects.toMatchObject({ code: '42501' });
  });

  test('the reader and other roles cannot write records', async () => {
    const insert = `insert into audit.touched values ('x', now(), '${newId('access', systemClock)}', null, false, true)`;
    for (const sql of [reader, jobs]) await expect(sql.unsafe(insert)).rejects.toMatchObject({ code: '42501' });
    await expect(reader`select audit.add_month(now())`).rejects.toMatchObject({ code: '42501' });
  });
});

describe('months', () => {
  let months: TestDatabase;
  let sql: { jobs: Sql; writer: Sql; owner: Sql };
  beforeAll(async () => {
    months = await createDatabase();
    const connect = (role: string) => months.connect(role, { ...poolOptions, max: 2 }) as unknown as Sql;
    sql = { jobs: connect('jobs'), writer: connect('audit_writer'), owner: connect('migrator') };
  });
  afterAll(async () => {
    await Promise.all(Object.values(sql).map((each) => each.end()));
    await months.drop();
  });

  const present = async (): Promise<string[]> => {
    const rows = await sql.owner`
      select right(c.relname, 7) as month from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where inhparent = 'audit.accesses'::regclass order by 1`;
    return rows.map(({ month }) => month as string);
  };

  test.each(['accesses', 'touched'])('before the first month, %s already refuses to be emptied', async (table) => {
    expect(await present()).toEqual([]);
    await expect(sql.owner.unsafe(`truncate audit.${table}`)).rejects.toMatchObject({ code: '42501' });
  });

  test('the job adds this month and three more, once', async () => {
    const now = new Date('2026-11-30T23:00:00Z');
    expect(await rotateMonths(sql.jobs, { now, keepMonths: 13 })).toEqual({ added: 4, dropped: 0 });
    expect(await present()).toEqual(['2026_11', '2026_12', '2027_01', '2027_02']);
    expect(await rotateMonths(sql.jobs, { now, keepMonths: 13 })).toEqual({ added: 0, dropped: 0 });
  });

  test('the job drops whole months that are old enough, and no others', async () => {
    await recordAccesses(sql.writer, [
      line('2025-09-30T00:00:00Z', { resources: ['ord_x'] }),
      line('2025-10-01T00:00:00Z', { resources: ['ord_x'] }),
      line('2026-11-01T00:00:00Z'),
    ]);
    const now = new Date('2026-11-30T23:00:00Z');
    expect(await rotateMonths(sql.jobs, { now, keepMonths: 13 })).toEqual({ added: 0, dropped: 3 });
    expect(await present()).toEqual(['2025_10', '2026_11', '2026_12', '2027_01', '2027_02']);
  });

  test('a wrong clock drops nothing young, and at least three months are kept', async () => {
    while ((await sql.jobs`select audit.drop_month('2090-01-01', 13) as dropped`)[0]!.dropped > 0);
    expect(await present()).toContain('2025_10');
    await expect(sql.jobs`select audit.drop_month(now(), 3)`).resolves.toHaveLength(1);
    for (const keep of [2, 0, -1, null]) {
      await expect(sql.jobs`select audit.drop_month(now(), ${keep}::integer)`).rejects.toMatchObject({
        code: '22023',
      });
    }
  });
});
