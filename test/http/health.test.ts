import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../functions/http/get-health.ts';
import { routes } from '../../functions/routes.ts';
import * as contract from '../../lib/contract/api/system.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { DeadlineExceeded } from '../../lib/kernel/deadline.ts';
import { type HealthOptions, healthCheck, type Part } from '../../lib/operations/health/check.ts';
import { probeDatabase, probeSessions, probeStates } from '../../lib/operations/health/probes.gateway.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';
import { openHandler } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const up = () => Promise.resolve();
const never = () => new Promise<never>(() => {});
const refused = () => Promise.reject(new Error('connect ECONNREFUSED secret-host.internal:5432'));

function start(options: Partial<HealthOptions> & { parts?: Partial<HealthOptions['probes']> } = {}) {
  const time = { now: Date.parse('2026-03-14T09:26:53.589Z') };
  const asked: Part[] = [];
  const told: [Part, unknown][] = [];
  const { parts, ...rest } = options;
  const probe = (part: Part) => () => {
    asked.push(part);
    return (parts?.[part] ?? up)();
  };
  const check = healthCheck({
    probes: { database: probe('database'), sessions: probe('sessions'), states: probe('states') },
    version: '1.2.3',
    clock: { now: () => time.now },
    stopwatch: { elapsed: () => 0 },
    onDown: (part, error) => told.push([part, error]),
    ...rest,
  });
  const call = openHandler(routes['get-health'], contract.getHealth, run, { check });
  return { time, asked, told, call };
}

describe('GET /health', () => {
  test('with everything up', async () => {
    const { call } = start();
    const { status, body, headers } = await call();
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'up',
      parts: {
        database: { status: 'up', latencyMs: 0 },
        sessions: { status: 'up', latencyMs: 0 },
        states: { status: 'up', latencyMs: 0 },
      },
      version: '1.2.3',
      checkedAt: '2026-03-14T09:26:53.589Z',
    });
    expect(headers['cache-control']).toBe('no-store');
    expect(headers.ratelimit).toBeUndefined();
  });

  test.each<[string, Partial<HealthOptions['probes']>, number, string]>([
    ['the sessions', { sessions: refused }, 200, 'degraded'],
    ['the sagas', { states: refused }, 200, 'degraded'],
    ['the sessions and the sagas', { sessions: refused, states: refused }, 200, 'degraded'],
    ['the database', { database: refused }, 503, 'down'],
    ['everything', { database: refused, sessions: refused, states: refused }, 503, 'down'],
  ])('without %s', async (_what, parts, status, overall) => {
    const { call, told } = start({ parts });
    const answer = await call();
    expect(answer.status).toBe(status);
    expect(answer.body.status).toBe(overall);
    const down = Object.entries(answer.body.parts).filter(([, part]) => (part as { status: string }).status === 'down');
    expect(down.map(([name]) => name)).toEqual(Object.keys(parts));
    expect(answer.text, 'nothing of the error is shown').not.toMatch(/secret-host|ECONNREFUSED/);
    expect(told.map(([part]) => part)).toEqual(Object.keys(parts));
  });

  test('a part that never answers is down after the deadline, and the check does not wait longer', async () => {
    const { call, told } = start({ parts: { sessions: never, states: never }, deadlineMs: 30 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const answering = call();
      while (vi.getTimerCount() < 2) await new Promise(setImmediate);
      vi.advanceTimersByTime(29);
      await new Promise(setImmediate);
      expect(told).toEqual([]);
      vi.advanceTimersByTime(1);
      expect((await answering).body.status).toBe('degraded');
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
    expect(told).toEqual([
      ['sessions', expect.any(DeadlineExceeded)],
      ['states', expect.any(DeadlineExceeded)],
    ]);
  });

  test('a part whose probe throws at once is down', async () => {
    const broken = () => {
      throw new Error('DATABASE_HOST is not set');
    };
    const { call } = start({ parts: { database: broken } });
    expect((await call()).status).toBe(503);
  });

  test('all calls within a second share one check', async () => {
    const { call, asked, time } = start();
    await Promise.all(Array.from({ length: 20 }, () => call()));
    time.now += 999;
    await call();
    expect(asked).toEqual(['database', 'sessions', 'states']);
    time.now += 1;
    await call();
    expect(asked).toHaveLength(6);
  });

  test('the next check sees that a part is up again', async () => {
    let away = true;
    const { call, time } = start({ parts: { database: () => (away ? refused() : up()) } });
    expect((await call()).status).toBe(503);
    away = false;
    time.now += 1000;
    expect((await call()).status).toBe(200);
  });
});

describe('the probes', () => {
  let database: TestDatabase;
  let sql: Sql;
  let dynamo: TestDynamo;

  beforeAll(async () => {
    database = await createDatabase();
    sql = database.connect('monitor', { max: 1 }) as unknown as Sql;
    dynamo = await startTestDynamo([{ name: 'sessions', ...tables.sessions }]);
  });

  afterAll(async () => {
    await sql?.end();
    await database?.drop();
    await dynamo?.stop();
  });

  test('of the database resolves when it answers, under the monitoring role', async () => {
    await probeDatabase(sql);
  });

  test('of the database rejects when it is unreachable', async () => {
    const gone = database.connect('monitor', { host: '/nowhere', max: 1 }) as unknown as Sql;
    await expect(probeDatabase(gone)).rejects.toThrow();
    await gone.end({ timeout: 0 });
  });

  test('of the sessions resolves when the table exists, and rejects when it does not', async () => {
    await probeSessions(dynamo.documents, 'sessions');
    await expect(probeSessions(dynamo.documents, 'nothing')).rejects.toThrow();
  });

  test('of the sagas asks for the configured state machine', async () => {
    const asked: string[] = [];
    await probeStates(async (arn) => void asked.push(arn), ['arn:aws:states:x', 'arn:aws:states:y']);
    expect(asked).toEqual(['arn:aws:states:x', 'arn:aws:states:y']);
  });
});
