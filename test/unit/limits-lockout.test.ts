import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tables } from '../../infra/tables.ts';
import { PartUnavailable } from '../../lib/kernel/errors.ts';
import { forgiveAttempts, type LockoutStore, noteAttempt } from '../../lib/limits/lockout.dynamo.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

let dynamo: TestDynamo;
let store: LockoutStore;
let now = 0;
let email = '';
let emails = 0;

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'limits', ...tables.limits }]);
  store = { client: dynamo.documents, table: 'limits', clock: { now: () => now } };
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  email = `someone-${++emails}@example.com`;
});

/** The seconds that an attempt is locked for; 0 when it may go on. */
const attempt = () =>
  noteAttempt(store, email).then(
    () => 0,
    (error) => Number(error.headers['retry-after']),
  );

describe('failed sign-ins', () => {
  test('five go through, then each one more waits twice as long', async () => {
    for (let i = 0; i < 5; i++) expect(await attempt()).toBe(0);
    await expect(noteAttempt(store, email)).rejects.toMatchObject({ code: 'sign-in-locked', status: 429 });
    for (const seconds of [30, 60, 120, 240, 480, 900, 900]) {
      expect(await attempt()).toBe(seconds);
      now += (seconds - 1) * 1000;
      expect(await attempt()).toBe(1);
      now += 1000;
      expect(await attempt()).toBe(0);
    }
  });

  test('a refused attempt does not make the lock longer', async () => {
    for (let i = 0; i < 5; i++) await attempt();
    for (let i = 0; i < 20; i++) expect(await attempt()).toBe(30);
  });

  test('guesses made at the same time count one by one', async () => {
    const waits = await Promise.all(Array.from({ length: 40 }, attempt));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(5);
  });

  test('after a lock one guess goes through, not as many as come at once', async () => {
    for (let i = 0; i < 5; i++) await attempt();
    now += 30_000;
    const waits = await Promise.all(Array.from({ length: 20 }, attempt));
    expect(waits.filter((seconds) => seconds === 0)).toHaveLength(1);
  });

  test('are forgotten by a successful sign-in', async () => {
    for (let i = 0; i < 4; i++) await attempt();
    await forgiveAttempts(store, email);
    for (let i = 0; i < 5; i++) expect(await attempt()).toBe(0);
    expect(await attempt()).toBe(30);
  });

  test('are forgotten an hour after the last, though DynamoDB still has them', async () => {
    for (let i = 0; i < 4; i++) await attempt();
    now += 3_599_000;
    expect(await attempt()).toBe(0);
    expect(await attempt()).toBe(30);
    now += 3_600_000;
    for (let i = 0; i < 5; i++) expect(await attempt()).toBe(0);
    expect(await attempt()).toBe(30);
  });

  test('of one e-mail do not lock another', async () => {
    for (let i = 0; i < 6; i++) await attempt();
    await noteAttempt(store, `other-${email}`);
  });

  test('leave no e-mail in the table', async () => {
    await attempt();
    const { Items } = await dynamo.documents.send(new ScanCommand({ TableName: 'limits' }));
    expect(JSON.stringify(Items)).not.toContain('example.com');
  });

  test('cannot be counted while DynamoDB is away', async () => {
    dynamo.refuse();
    try {
      await expect(noteAttempt(store, email)).rejects.toThrow(PartUnavailable);
      await expect(forgiveAttempts(store, email)).rejects.toThrow(PartUnavailable);
    } finally {
      await dynamo.resume();
    }
  });
});
