import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  attemptFailed,
  attemptSucceeded,
  knowNetwork,
  type LockoutStore,
  noteAttempt,
} from '../../lib/auth/limits/lockout.dynamo.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

let dynamo: TestDynamo;
let store: LockoutStore;
let now = 0;
let email = '';
let home = '';
let people = 0;

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'limits', ...tables.limits }]);
  store = { client: dynamo.documents, table: 'limits', clock: { now: () => now } };
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  email = `someone-${++people}@example.com`;
  home = `198.51.${people}.7`;
});

type From = { network?: string; email?: string };
const source = (from: From) => ({ email, network: home, ...from });
const secondsOf = (error: { code?: string; headers: Record<string, string> }) => {
  expect(error.code).toBe('sign-in-locked');
  return Number(error.headers['retry-after']);
};

/** Signs in with a wrong password. @returns the seconds of the lock; 0 when the password was checked */
const loginAttempt = (from: From = {}): Promise<number> =>
  noteAttempt(store, source(from)).then(async (attempt) => {
    await attemptFailed(store, attempt);
    return 0;
  }, secondsOf);

/** Signs in with the right password. @returns as `loginAttempt` */
const signIn = (from: From = {}): Promise<number> =>
  noteAttempt(store, source(from)).then(async (attempt) => {
    await attemptSucceeded(store, attempt);
    return 0;
  }, secondsOf);

/** A login attempt whose process dies before the password is checked. */
const die = (from: From = {}): Promise<number> => noteAttempt(store, source(from)).then(() => 0, secondsOf);

const pass = (seconds: number) => {
  now += seconds * 1000;
};
const times = async (count: number, work: (index: number) => Promise<number>) => {
  const outcomes: number[] = [];
  for (let i = 0; i < count; i++) outcomes.push(await work(i));
  return outcomes;
};
const lookedAt = (waits: number[]) => waits.filter((seconds) => seconds === 0).length;

describe('login attempts at one e-mail from one network', () => {
  test('five are checked, then each further one waits twice as long', async () => {
    expect(await times(5, () => loginAttempt())).toEqual([0, 0, 0, 0, 0]);
    for (const seconds of [30, 60, 120, 240, 480, 900, 900]) {
      expect(await loginAttempt()).toBe(seconds);
      pass(seconds - 1);
      expect(await loginAttempt()).toBe(1);
      pass(1);
      expect(await loginAttempt()).toBe(0);
    }
  });

  test('that are refused do not extend the lock', async () => {
    await times(5, () => loginAttempt());
    expect(new Set(await times(20, () => loginAttempt()))).toEqual(new Set([30]));
    pass(30);
    expect(await loginAttempt()).toBe(0);
    expect(await loginAttempt()).toBe(60);
  });

  test('that are concurrent get five checks, and one after a lock', async () => {
    expect(lookedAt(await Promise.all(Array.from({ length: 64 }, () => loginAttempt())))).toBe(5);
    pass(30);
    expect(lookedAt(await Promise.all(Array.from({ length: 64 }, () => loginAttempt())))).toBe(1);
  });

  test('are forgotten when the owner signs in from there', async () => {
    await times(4, () => loginAttempt());
    expect(await signIn()).toBe(0);
    expect(await times(6, () => loginAttempt())).toEqual([0, 0, 0, 0, 0, 30]);
  });

  test('are forgotten an hour after the last, even if DynamoDB still has them', async () => {
    await times(4, () => loginAttempt());
    pass(3599);
    expect(await loginAttempt()).toBe(0);
    expect(await loginAttempt()).toBe(30);
    pass(3600);
    expect(await times(6, () => loginAttempt())).toEqual([0, 0, 0, 0, 0, 30]);
  });

  test('whose process died lock the owner out for ten seconds, however many there were', async () => {
    await signIn();
    for (let i = 0; i < 20; i++) {
      await die();
      pass(11);
    }
    await die();
    expect(await signIn()).toBe(10);
    pass(10);
    expect(await signIn()).toBe(0);
    expect(await loginAttempt()).toBe(0);
  });
});

describe('login attempts at one e-mail from many networks', () => {
  const elsewhere = (i: number) => ({ network: `203.0.113.${i}` });

  test('get twenty checks together, however many networks there are', async () => {
    expect(lookedAt(await times(40, (i) => loginAttempt(elsewhere(i))))).toBe(20);
    expect(await loginAttempt({ network: '192.0.2.77' })).toBe(30);
  });

  test('that are concurrent get no more', async () => {
    const waits = await Promise.all(Array.from({ length: 64 }, (_, i) => loginAttempt(elsewhere(i))));
    expect(lookedAt(waits)).toBe(20);
  });

  test('do not lock the owner out of a network they signed in from', async () => {
    await signIn();
    for (let round = 0; round < 5; round++) {
      await times(40, (i) => loginAttempt(elsewhere(round * 40 + i)));
      expect(await signIn()).toBe(0);
      expect(await signIn({ network: '192.0.2.78' }), 'where the owner is new').toBeGreaterThan(0);
      pass(900);
    }
  });

  test('do not lock out an owner who has just reset the password', async () => {
    await times(40, (i) => loginAttempt(elsewhere(i)));
    expect(await signIn()).toBe(30);
    await knowNetwork(store, source({}));
    expect(await signIn()).toBe(0);
  });

  test('leave nothing behind when the owner signed in', async () => {
    for (let i = 0; i < 60; i++) expect(await signIn(elsewhere(i))).toBe(0);
  });

  test('lock the owner out there again 90 days after the last sign-in', async () => {
    await signIn();
    pass(60 * 24 * 3600);
    await signIn();
    pass(60 * 24 * 3600);
    await times(40, (i) => loginAttempt(elsewhere(i)));
    expect(await signIn()).toBe(0);
    pass(91 * 24 * 3600);
    await times(40, (i) => loginAttempt(elsewhere(i)));
    expect(await signIn()).toBe(30);
  });
});

describe('login attempts from one network at many e-mails', () => {
  const victim = (i: number) => ({ email: `victim-${people}-${i}@example.com` });

  test('get fifty checks together, also when concurrent', async () => {
    const waits = await Promise.all(Array.from({ length: 64 }, (_, i) => loginAttempt(victim(i))));
    expect(lookedAt(waits)).toBe(50);
    expect(await loginAttempt(victim(99))).toBe(30);
    expect(await loginAttempt({ ...victim(99), network: '192.0.2.79' })).toBe(0);
  });

  test('do not lock out a customer who signed in from there before', async () => {
    await signIn();
    await times(60, (i) => loginAttempt(victim(i)));
    expect(await signIn()).toBe(0);
  });

  test('are not forgotten when somebody signs in from there in between', async () => {
    await times(49, (i) => loginAttempt(victim(i)));
    await signIn();
    expect(await loginAttempt(victim(50))).toBe(0);
    expect(await loginAttempt(victim(51))).toBe(30);
  });

  test('sign-ins that succeed leave nothing behind, however many there are', async () => {
    const waits = await times(120, (i) => signIn(victim(i)));
    expect(lookedAt(waits)).toBe(120);
  });
});

test('leave no e-mail address and no IP address in the table', async () => {
  await loginAttempt();
  await signIn();
  const { Items } = await dynamo.documents.send(new ScanCommand({ TableName: 'limits' }));
  expect(Items!.length).toBeGreaterThan(2);
  expect(JSON.stringify(Items)).not.toMatch(/example\.com|198\.51|203\.0/);
});

test('cannot be counted while DynamoDB does not answer', async () => {
  const attempt = await noteAttempt(store, source({}));
  dynamo.refuse();
  try {
    await expect(noteAttempt(store, source({}))).rejects.toThrow(DependencyUnavailable);
    await expect(attemptSucceeded(store, attempt)).rejects.toThrow(DependencyUnavailable);
  } finally {
    await dynamo.resume();
  }
});
