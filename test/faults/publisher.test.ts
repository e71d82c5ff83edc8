import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoredEvent } from '../../lib/contract/events/define-event.ts';
import { type EventBus, publishEvents } from '../../lib/events/publish.ts';
import { updateReadModels } from '../../lib/events/read-models/update.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { untilDeadline } from '../../lib/platform/handlers/lambda.ts';
import { dropPool, poolOf } from '../../lib/platform/pools.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../support/postgres.ts';
import { type PostgresRelay, startPostgresRelay } from '../support/postgres-relay.ts';
import { poolOptions } from '../support/saga.ts';

/*
 * What takes events onwards under the faults of the matrix: the publisher, and what keeps the read models. Whatever strikes a
 * run, the next one that nothing strikes leaves every event where it belongs.
 */

let database: TestDatabase;
let owner: Sql;
let admin: Sql;
let relay: PostgresRelay;
beforeAll(async () => {
  database = await createDatabase();
  owner = database.connect('migrator', { ...poolOptions, max: 4 }) as unknown as Sql;
  admin = postgres({
    host: testPostgres().socketDir,
    user: 'rdsadmin',
    database: 'postgres',
    max: 1,
  }) as unknown as Sql;
  relay = await startPostgresRelay(testPostgres().socketPath);
});
afterAll(async () => {
  dropPool('publisher');
  dropPool('read_models');
  await relay?.stop();
  await Promise.all([owner?.end(), admin?.end()]);
  await database?.drop();
});

type Role = 'publisher' | 'read_models';
const sqlAs = (role: Role): Sql =>
  poolOf(role, () => database.connect(role, { ...poolOptions, host: relay.host, max: 4 }) as unknown as Sql);

const orders = 4;
const chain = ['order.placed', 'order.reserved', 'payment.captured', 'order.confirmed'];

/** Orders with four events each, which nobody has published or applied. */
async function writeEvents(): Promise<void> {
  await owner`delete from outbox.events`;
  await owner`delete from read_models.order_details`;
  await owner`update read_models.generations set position = 0`;
  for (let n = 0; n < orders; n++) {
    const [order, customer, payment] = [
      newId('order', systemClock),
      newId('customer', systemClock),
      newId('payment', systemClock),
    ];
    const money = { amount: 100, currency: 'EUR' };
    const ids = { orderId: order, customerId: customer };
    const data = [
      { ...ids, lines: [], subtotal: money, discount: null, couponCode: null, shipping: null, tax: null, total: money },
      ids,
      { ...ids, paymentId: payment, provider: 'simulated', amount: money },
      { ...ids, paymentId: payment, total: money },
    ];
    for (const [at, type] of chain.entries()) {
      await owner`
        insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, data, occurred_at)
        values (${newId('event', systemClock)}, ${type}, 1, ${type === 'payment.captured' ? payment : order}, ${order},
          ${at + 1}, ${JSON.stringify(data[at])}::text::jsonb, ${new Date()})`;
    }
  }
}

/** A bus that keeps what it takes, in the order in which it came. */
class Bus implements EventBus {
  readonly taken: StoredEvent[] = [];
  behave: (
    events: readonly StoredEvent[],
    take: (events: readonly StoredEvent[]) => Set<string>,
  ) => Promise<Set<string>> = async (events, take) => take(events);

  put(events: readonly StoredEvent[]): Promise<Set<string>> {
    return this.behave(events, (those) => {
      this.taken.push(...those);
      return new Set(those.map(({ id }) => id));
    });
  }
}

type Subject = {
  role: Role;
  run: () => Promise<unknown>;
  bus: Bus;
  /** How the events ended up; throws when one is missing or out of place. */
  end: () => Promise<string>;
};

const subjects: Record<string, () => Subject> = {
  'publish-events': () => {
    const bus = new Bus();
    return {
      role: 'publisher',
      bus,
      run: () =>
        publishEvents({
          sql: sqlAs('publisher'),
          bus,
          clock: systemClock,
          stopwatch,
          limitMs: 60_000,
          onRefused: () => {},
        }),
      async end() {
        const rows = await owner<
          { id: string; publishedAt: Date | null }[]
        >`select id, published_at from outbox.events`;
        expect(rows.filter(({ publishedAt }) => publishedAt === null)).toEqual([]);
        expect(new Set(bus.taken.map(({ id }) => id)).size).toBe(orders * chain.length);
        const first = new Map<string, string[]>();
        for (const { id, aggregateId } of bus.taken) {
          const of = first.get(aggregateId) ?? [];
          if (!of.includes(id)) first.set(aggregateId, [...of, id]);
        }
        for (const [aggregateId, ids] of first) {
          const sorted =
            await owner`select id from outbox.events where aggregate_id = ${aggregateId} order by sequence`;
          expect(ids).toEqual(sorted.map(({ id }) => id));
        }
        return 'each, in order';
      },
    };
  },
  'update-read-models': () => ({
    role: 'read_models',
    bus: new Bus(),
    run: () => updateReadModels({ sql: sqlAs('read_models'), now: systemClock.now, stopwatch, limitMs: 60_000 }),
    async end() {
      const rows = await owner<{ status: string; types: string[] }[]>`
        select status, (select jsonb_agg(t -> 'type') from jsonb_array_elements(details -> 'timeline') t) as types
        from read_models.order_details`;
      expect(rows).toHaveLength(orders);
      for (const { status, types } of rows) expect([status, types]).toEqual(['confirmed', chain]);
      const [state] = await owner`
        select (select max(position) from outbox.events) = position as caught_up from read_models.generations`;
      expect(state!.caughtUp).toBe(true);
      return 'each once';
    },
  }),
};

/** Runs the job as its handler does, and no longer than its time. */
const attempt = ({ run, role }: Subject, milliseconds = 30_000): Promise<unknown> =>
  untilDeadline(run(), milliseconds, role).catch((error: unknown) => error);

const endSessions = (role: Role) => admin`
  select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database.name} and usename = ${role}`;

/** Strikes a run. @returns whether the fault applies to it */
type Fault = (subject: Subject) => Promise<boolean>;

const onBus =
  (behave: Bus['behave']): Fault =>
  async (subject) => {
    if (subject.role !== 'publisher') return false;
    const healthy = subject.bus.behave;
    subject.bus.behave = behave;
    await attempt(subject);
    subject.bus.behave = healthy;
    return true;
  };

const faults: Record<string, Fault> = {
  'bus away': onBus(() => Promise.reject(new Error('away'))),
  'bus takes it, answer lost': onBus(async (events, take) => {
    take(events);
    return new Set();
  }),
  'bus takes some': onBus(async (events, take) => take(events.filter((_, n) => n % 2 === 0))),
  'bus silent': async (subject) => {
    if (subject.role !== 'publisher') return false;
    const healthy = subject.bus.behave;
    subject.bus.behave = () => new Promise(() => {});
    await attempt(subject, 300);
    subject.bus.behave = healthy;
    // PostgreSQL ends a session that idles in its transaction for ten seconds. Nothing but its own events waits for that.
    await endSessions(subject.role);
    return true;
  },
  'run twice': async (subject) => {
    await attempt(subject);
    return true;
  },
  'run twice at once': async (subject) => {
    await Promise.all([attempt(subject), attempt(subject), attempt(subject)]);
    return true;
  },
  'killed after its effect': async (subject) => {
    if (subject.role === 'publisher') {
      subject.bus.behave = async (events, take) => {
        const ids = take(events);
        await endSessions(subject.role);
        return ids;
      };
      await attempt(subject);
      subject.bus.behave = async (events, take) => take(events);
      return true;
    }
    const [lock] = [await owner.reserve()];
    // Holds the transaction at its last statement, with everything else done.
    await lock`begin`;
    await lock`select from read_models.generations for update`;
    const running = attempt(subject);
    for (let waiting = 0; waiting === 0; await pause(5)) {
      const rows = await admin`
        select from pg_stat_activity where datname = ${database.name} and usename = ${subject.role} and wait_event_type = 'Lock'`;
      waiting = rows.length;
    }
    await endSessions(subject.role);
    await lock`rollback`;
    lock.release();
    await running;
    return true;
  },
  'every session ended': async (subject) => {
    const running = attempt(subject);
    await endSessions(subject.role);
    await running;
    return true;
  },
};

for (const where of ['before request', 'before answer'] as const) {
  faults[`connection cut ${where}`] = async (subject) => {
    for (let at = 1, sprung = true; sprung; at++) {
      const trap = relay.cut(where, at);
      await attempt(subject);
      sprung = trap.disarm();
      expect(at, 'a run ends').toBeLessThan(200);
    }
    return true;
  };
}

const found = new Map<string, Record<string, string>>();

test.each(Object.keys(subjects).flatMap((subject) => Object.keys(faults).map((fault) => [subject, fault] as const)))(
  '%s, %s',
  async (name, fault) => {
    await writeEvents();
    const subject = subjects[name]!();
    const applies = await faults[fault]!(subject);
    const cells = found.get(name) ?? {};
    found.set(name, cells);
    if (!applies) {
      cells[fault] = '—';
      return;
    }
    const last = await attempt(subject);
    expect(last, 'the run that nothing strikes').not.toBeInstanceOf(Error);
    cells[fault] = await subject.end();
  },
);

test('the table in docs/reliability.md is the one that these runs gave', () => {
  const page = new URL('../../docs/reliability.md', import.meta.url);
  const [begin, end] = ['<!-- matrix: publisher -->\n', '<!-- end of matrix: publisher -->'];
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    line(['fault', ...Object.keys(subjects)]),
    line(['---', ...Object.keys(subjects).map(() => '---')]),
    ...Object.keys(faults).map((fault) =>
      line([fault, ...Object.keys(subjects).map((name) => found.get(name)![fault]!)]),
    ),
  ].join('\n');
  if (process.env.FAULTS_WRITE) writeFileSync(page, `${text.slice(0, from)}${table}\n${text.slice(to)}`);
  else expect(text.slice(from, to).trim()).toBe(table);
});
