import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { endAllSessions } from '../../lib/auth/sessions/customer-sessions.dynamo.ts';
import { endSession, findSession, openSession, type SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import { writeAll } from '../../lib/auth/store.dynamo.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { documentsThat, startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

const start = Date.UTC(2026, 0, 1);
const idleSeconds = 1000;
const maxSeconds = 3600;

let dynamo: TestDynamo;
let store: SessionStore;
let now = start;
let customerId = '';
const applicationId = `app_${'1'.repeat(32)}`;

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'sessions', ...tables.sessions }]);
  store = { client: dynamo.documents, table: 'sessions', idleSeconds, maxSeconds, clock: { now: () => now } };
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = start;
  customerId = newId('customer', store.clock);
});

const atSecond = (seconds: number) => {
  now = start + seconds * 1000;
};
const stored = async ({ customerId, tokenHash }: { customerId: string; tokenHash: string }) =>
  (await dynamo.documents.send(new GetCommand({ TableName: 'sessions', Key: { customerId, tokenHash } }))).Item;
const calls = () => Object.values(dynamo.calls()).reduce((sum, count) => sum + count, 0);

describe('a session', () => {
  test('is found by its token, by one read', async () => {
    const { token, expiresAt } = await openSession(store, { customerId, applicationId });
    expect(token).toMatch(/^cfs_[A-Za-z0-9_-]{64}$/);
    expect(expiresAt).toBe(start + idleSeconds * 1000);
    const before = calls();
    expect(await findSession(store, token)).toEqual({
      customerId,
      applicationId,
      tokenHash: expect.any(String),
      openedAt: start,
      authenticatedAt: start,
    });
    expect(calls() - before).toBe(1);
  });

  test('leaves nothing in the table that its token could be derived from', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    const secret = Buffer.from(token.slice(4), 'base64url').subarray(16);
    const text = JSON.stringify((await dynamo.documents.send(new ScanCommand({ TableName: 'sessions' }))).Items);
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(text).not.toContain(secret.toString(encoding));
    const { tokenHash } = (await findSession(store, token))!;
    expect(Object.keys((await stored({ customerId, tokenHash })) ?? {}).sort()).toEqual([
      'applicationId',
      'authenticatedAt',
      'createdAt',
      'customerId',
      'expiresAt',
      'tokenHash',
    ]);
  });

  test('is not found by a token with any one character changed', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    for (let at = 0; at < token.length; at++) {
      const altered = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      expect(await findSession(store, altered), `character ${at}`).toBeUndefined();
    }
    expect(await findSession(store, token)).toBeDefined();
  });

  test('is not found by another customer’s id with its secret', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    const other = newId('customer', store.clock);
    const secret = Buffer.from(token.slice(4), 'base64url').subarray(16);
    const forged = Buffer.concat([Buffer.from(other.slice(4), 'hex'), secret]).toString('base64url');
    expect(await findSession(store, `cfs_${forged}`)).toBeUndefined();
  });

  test('is not looked up when the token does not have its form', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    const before = calls();
    for (const wrong of [
      '',
      'cfs_',
      token.slice(0, -1),
      `${token}A`,
      token.replace('cfs_', 'cfk_'),
      `${token}\n`,
      '*'.repeat(68),
    ]) {
      expect(await findSession(store, wrong)).toBeUndefined();
    }
    expect(calls()).toBe(before);
  });

  test('ends when idle for long, even if DynamoDB still has it', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    const session = await findSession(store, token);
    atSecond(idleSeconds);
    expect(await findSession(store, token)).toBeUndefined();
    expect(await stored(session!)).toBeDefined();
    atSecond(idleSeconds - 1);
    expect(await findSession(store, token)).toBeDefined();
  });

  test('is extended only in the second half of its idle time, by one write', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    const session = await findSession(store, token);
    const updates = () => dynamo.calls().UpdateItem ?? 0;
    const before = updates();
    atSecond(idleSeconds / 2);
    await findSession(store, token);
    expect(updates() - before).toBe(0);
    atSecond(idleSeconds / 2 + 1);
    await findSession(store, token);
    await findSession(store, token);
    expect(updates() - before).toBe(1);
    expect(await stored(session!)).toMatchObject({ expiresAt: start / 1000 + idleSeconds / 2 + 1 + idleSeconds });
    atSecond(idleSeconds + 100);
    expect(await findSession(store, token)).toBeDefined();
  });

  test('does not exceed its maximum lifetime, however often it is used', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    for (let seconds = 600; seconds < maxSeconds; seconds += 600) {
      atSecond(seconds);
      expect(await findSession(store, token), `after ${seconds} s`).toBeDefined();
    }
    const updates = dynamo.calls().UpdateItem;
    atSecond(maxSeconds - 1);
    expect(await findSession(store, token)).toBeDefined();
    expect(dynamo.calls().UpdateItem).toBe(updates);
    atSecond(maxSeconds);
    expect(await findSession(store, token)).toBeUndefined();
  });

  test('with a maximum lifetime below its idle time does not exceed it', async () => {
    const { expiresAt } = await openSession({ ...store, maxSeconds: 60 }, { customerId, applicationId });
    expect(expiresAt).toBe(start + 60_000);
  });

  test('is found even when extending it fails', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    atSecond(900);
    const send = dynamo.documents.send.bind(dynamo.documents);
    const answer = vi.fn((command: { constructor: { name: string } }) =>
      command.constructor.name === 'UpdateCommand' ? Promise.reject(new Error('throttled')) : send(command as never),
    );
    expect(await findSession({ ...store, client: documentsThat(answer) }, token)).toMatchObject({ customerId });
    expect(answer).toHaveBeenCalledTimes(2);
  });

  test('ended while it is extended does not come back', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    const session = await findSession(store, token);
    atSecond(900);
    const send = dynamo.documents.send.bind(dynamo.documents);
    const client = documentsThat(async (command) => {
      const answer = await send(command as never);
      if (command.constructor.name === 'GetCommand') await endSession(store, session!);
      return answer;
    });
    await findSession({ ...store, client }, token);
    expect(await stored(session!)).toBeUndefined();
    expect(await findSession(store, token)).toBeUndefined();
  });
});

describe('signing out', () => {
  test('ends only that session, and a repeat changes nothing', async () => {
    const one = await openSession(store, { customerId, applicationId });
    const two = await openSession(store, { customerId, applicationId });
    const session = await findSession(store, one.token);
    await endSession(store, session!);
    await endSession(store, session!);
    expect(await findSession(store, one.token)).toBeUndefined();
    expect(await findSession(store, two.token)).toBeDefined();
  });

  test('everywhere ends all sessions of the customer, and no others', async () => {
    const other = await openSession(store, { customerId: newId('customer', store.clock), applicationId });
    const tokens = await Promise.all(
      Array.from({ length: 60 }, () => openSession(store, { customerId, applicationId })),
    );
    await endAllSessions(store, customerId);
    const found = await Promise.all(tokens.map(({ token }) => findSession(store, token)));
    expect(found.filter((session) => session !== undefined)).toEqual([]);
    expect(await findSession(store, other.token)).toBeDefined();
    await endAllSessions(store, customerId);
  });

  test('everywhere reads all pages of sessions', async () => {
    const padding = 'x'.repeat(300_000);
    for (let i = 0; i < 5; i++) {
      const Item = { customerId, tokenHash: `large-${i}`, expiresAt: start / 1000 + 60, padding };
      await dynamo.documents.send(new PutCommand({ TableName: 'sessions', Item }));
    }
    const queries = dynamo.calls().Query ?? 0;
    await endAllSessions(store, customerId);
    expect((dynamo.calls().Query ?? 0) - queries).toBeGreaterThan(1);
    for (let i = 0; i < 5; i++) expect(await stored({ customerId, tokenHash: `large-${i}` })).toBeUndefined();
  });

  test('everywhere repeats what DynamoDB did not process, and fails when it stays unprocessed', async () => {
    const { token } = await openSession(store, { customerId, applicationId });
    const send = dynamo.documents.send.bind(dynamo.documents);
    const refusing = (times: number) => {
      let refused = 0;
      return documentsThat(async (command) => {
        const { RequestItems } = command.input as { RequestItems?: unknown };
        return RequestItems !== undefined && refused++ < times
          ? { UnprocessedItems: RequestItems }
          : send(command as never);
      });
    };
    await expect(endAllSessions({ ...store, client: refusing(99) }, customerId)).rejects.toThrow(DependencyUnavailable);
    expect(await findSession(store, token)).toBeDefined();
    await endAllSessions({ ...store, client: refusing(2) }, customerId);
    expect(await findSession(store, token)).toBeUndefined();
  });
});

test('a DynamoDB that does not answer is an unavailable dependency; a refusal is an error of its own', async () => {
  const { token } = await openSession(store, { customerId, applicationId });
  const session = await findSession(store, token);
  dynamo.refuse();
  try {
    await expect(findSession(store, token)).rejects.toMatchObject({
      name: 'DependencyUnavailable',
      dependency: 'sessions',
    });
    await expect(openSession(store, { customerId, applicationId })).rejects.toThrow(DependencyUnavailable);
    await expect(endSession(store, session!)).rejects.toThrow(DependencyUnavailable);
    await expect(endAllSessions(store, customerId)).rejects.toThrow(DependencyUnavailable);
  } finally {
    await dynamo.resume();
  }
  expect(await findSession(store, token)).toBeDefined();
  await expect(findSession({ ...store, table: 'nowhere' }, token)).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test.each([
  [['None', 'ConditionalCheckFailed', 'TransactionConflict'], 'says that a condition did not hold'],
  [['None', 'TransactionConflict'], 'is tried again later'],
  [['ThrottlingError'], 'is tried again later'],
  [['ValidationError'], 'is an error of ours'],
])('a transaction that is cancelled for %j %s', async (codes, then) => {
  const cancelled = new TransactionCanceledException({
    ...{ message: 'no', $metadata: {} },
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
  const client = documentsThat(() => Promise.reject(cancelled));
  const written = await writeAll(client, []).catch((error: unknown) => error);
  if (then.startsWith('says')) expect(written).toBe(false);
  else if (then.startsWith('is tried')) expect(written).toBeInstanceOf(DependencyUnavailable);
  else expect(written).toBe(cancelled);
});
