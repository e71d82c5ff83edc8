import { beforeEach, describe, expect, test } from 'vitest';
import { createApplicationCache } from '../../lib/auth/applications/cache.ts';
import { type Authenticate, type CredentialStores, createAuthenticator } from '../../lib/auth/authenticate.ts';
import type { CallerKind } from '../../lib/contract/api/caller.ts';
import { createCircuitBreaker } from '../../lib/kernel/circuit-breaker.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { fieldsOf } from '../support/applications.ts';

/* Authentication, with stores of the test's own that can be unavailable. */
const shopId = `app_${'1'.repeat(32)}`;
const serverId = `app_${'2'.repeat(32)}`;
const customerId = `cus_${'3'.repeat(32)}`;
const session = `cfs_${'a'.repeat(64)}`;
const key = `cfk_${'b'.repeat(64)}`;
const jwt = 'aa.bb.cc';
const all: CallerKind[] = ['client', 'customer', 'app'];

let now = 0;
let away = false;
let keyless = false;
let asked: string[] = [];
let sessions: Map<string, string>;
let keys: Map<string, string>;
let suspended: Set<string>;
let authenticate: Authenticate;

beforeEach(() => {
  now = 1_000_000;
  away = false;
  keyless = false;
  asked = [];
  sessions = new Map([[session, shopId]]);
  keys = new Map([[key, serverId]]);
  suspended = new Set();
  const clock = { now: () => now };
  const breaker = createCircuitBreaker(clock);
  const answer = async <T>(what: string, give: () => T): Promise<T> => {
    asked.push(what);
    if (away) throw new DependencyUnavailable('sessions');
    return give();
  };
  const read = (id: string) =>
    answer('application', () =>
      id === shopId || id === serverId
        ? {
            ...fieldsOf(id === shopId ? 'web' : 'server'),
            applicationId: id,
            status: suspended.has(id) ? ('suspended' as const) : ('active' as const),
            createdAt: 0,
            updatedAt: 0,
            version: 1,
          }
        : undefined,
    );
  const stores: CredentialStores = {
    session: (token) =>
      answer('session', () =>
        sessions.has(token)
          ? { customerId, tokenHash: 'hash', openedAt: 0, authenticatedAt: 0, applicationId: sessions.get(token) }
          : undefined,
      ),
    key: (text) =>
      answer('key', () => (keys.has(text) ? { keyId: 'key_1', applicationId: keys.get(text)! } : undefined)),
    token: (text) =>
      answer('token', () => {
        if (keyless) throw new DependencyUnavailable('identity');
        return text === jwt ? { customerId, applicationId: shopId } : undefined;
      }),
    application: createApplicationCache(read, clock, breaker),
  };
  authenticate = createAuthenticator(stores, clock, breaker);
});

const ask = (
  { bearer, clientId }: { bearer?: string; clientId?: string },
  { kinds = all, allowStale = true }: { kinds?: CallerKind[]; allowStale?: boolean } = {},
) => authenticate({ bearer, clientId }, { kinds, address: '192.0.2.1', allowStale });

describe('credentials', () => {
  test('a session, a key, a token and a Client-Id each authenticate their holder', async () => {
    expect(await ask({ bearer: session })).toMatchObject({
      kind: 'customer',
      customerId,
      session: { customerId, tokenHash: 'hash', openedAt: 0, authenticatedAt: 0 },
      application: { id: shopId },
    });
    expect(await ask({ bearer: key })).toMatchObject({ kind: 'app', keyId: 'key_1', application: { id: serverId } });
    expect(await ask({ bearer: jwt })).toEqual({
      kind: 'customer',
      customerId,
      address: '192.0.2.1',
      application: expect.objectContaining({ id: shopId }),
    });
    expect(await ask({ clientId: shopId })).toMatchObject({ kind: 'client', application: { id: shopId } });
  });

  test.for<[string, Parameters<typeof ask>[0]]>([
    ['an unknown session', { bearer: session.replace('aaa', 'aab') }],
    ['an unknown key', { bearer: `${key}x` }],
    ['an unknown token', { bearer: 'aa.bb.cd' }],
    ['an unknown Client-Id', { clientId: `app_${'9'.repeat(32)}` }],
    ['a server that names itself only', { clientId: serverId }],
    ['a session under the Client-Id of another application', { bearer: session, clientId: serverId }],
    ['something of no known form', { bearer: 'password' }],
  ])('%s stands for nobody', async ([, credentials]) => {
    expect(await ask(credentials)).toBeUndefined();
  });

  test('of a kind that the route does not accept are not even looked up', async () => {
    expect(await ask({ bearer: session }, { kinds: ['app'] })).toBeUndefined();
    expect(await ask({ bearer: key }, { kinds: ['customer'] })).toBeUndefined();
    expect(await ask({ clientId: shopId }, { kinds: ['customer'] })).toBeUndefined();
    expect(asked.filter((what) => what !== 'application')).toEqual([]);
  });

  test('a session without an application is not accepted', async () => {
    sessions.set(session, undefined as never);
    expect(await ask({ bearer: session })).toBeUndefined();
  });

  test('that were revoked are refused at once', async () => {
    expect(await ask({ bearer: session })).toBeDefined();
    sessions.delete(session);
    expect(await ask({ bearer: session })).toBeUndefined();
  });
});

describe('an application', () => {
  test('is read once a second, however many requests come', async () => {
    await Promise.all(Array.from({ length: 50 }, () => ask({ clientId: shopId })));
    now += 999;
    await ask({ clientId: shopId });
    expect(asked).toEqual(['application']);
    now += 1;
    await ask({ clientId: shopId });
    expect(asked).toHaveLength(2);
  });

  test('that is suspended is refused within a second, with its sessions and keys', async () => {
    await Promise.all([ask({ bearer: session }), ask({ bearer: key })]);
    suspended.add(shopId).add(serverId);
    now += 1000;
    expect(await ask({ bearer: session })).toBeUndefined();
    expect(await ask({ bearer: key })).toBeUndefined();
    expect(await ask({ clientId: shopId })).toBeUndefined();
  });
});

describe('while the stores do not answer', () => {
  test('verified credentials can read for five minutes, and write nothing', async () => {
    await Promise.all([ask({ bearer: session }), ask({ bearer: key }), ask({ clientId: shopId })]);
    away = true;
    now += 299_000;
    for (const credentials of [{ bearer: session }, { bearer: key }, { clientId: shopId }]) {
      expect(await ask(credentials)).toBeDefined();
      await expect(ask(credentials, { allowStale: false })).rejects.toThrow(DependencyUnavailable);
    }
    now += 1000;
    for (const credentials of [{ bearer: session }, { bearer: key }, { clientId: shopId }]) {
      await expect(ask(credentials)).rejects.toThrow(DependencyUnavailable);
    }
  });

  test('credentials that were not verified before are not accepted', async () => {
    away = true;
    await expect(ask({ bearer: session })).rejects.toThrow(DependencyUnavailable);
    await expect(ask({ clientId: shopId })).rejects.toThrow(DependencyUnavailable);
  });

  test('unknown ids do not push applications out of the cache', async () => {
    await ask({ clientId: shopId });
    for (let i = 0; i < 300; i++) await ask({ clientId: `app_${i.toString(16).padStart(32, '0')}` });
    away = true;
    now += 2000;
    expect(await ask({ clientId: shopId })).toBeDefined();
  });

  test('what was revoked before stays refused', async () => {
    await ask({ bearer: session });
    sessions.delete(session);
    await ask({ bearer: session });
    away = true;
    await expect(ask({ bearer: session })).rejects.toThrow(DependencyUnavailable);
  });

  test('reads try every two seconds, not with each request', async () => {
    await ask({ bearer: session });
    away = true;
    const tries = () => asked.filter((what) => what === 'session').length;
    const before = tries();
    for (let i = 0; i < 20; i++) await ask({ bearer: session });
    expect(tries()).toBe(before + 1);
    now += 2000;
    await ask({ bearer: session });
    expect(tries()).toBe(before + 2);
  });

  test('credentials and their application share the breaker: one try in two seconds', async () => {
    await ask({ bearer: session });
    away = true;
    now += 1000;
    const before = asked.length;
    for (let i = 0; i < 20; i++) {
      await ask({ bearer: session });
      await ask({ clientId: shopId });
    }
    expect(asked).toHaveLength(before + 1);
    now += 2000;
    await ask({ clientId: shopId });
    await ask({ bearer: session });
    expect(asked).toHaveLength(before + 2);
  });

  test('everything works at once when the stores answer again, without a restart', async () => {
    await ask({ bearer: session });
    away = true;
    await ask({ bearer: session });
    await expect(ask({ bearer: session }, { allowStale: false })).rejects.toThrow(DependencyUnavailable);
    away = false;
    expect(await ask({ bearer: session }, { allowStale: false })).toBeDefined();
    expect(await ask({ bearer: key })).toBeDefined();
  });
});

test('without its issuer’s keys a token is refused, but sessions and keys work', async () => {
  keyless = true;
  for (let i = 0; i < 3; i++) await expect(ask({ bearer: jwt })).rejects.toMatchObject({ dependency: 'identity' });
  expect(await ask({ bearer: session }, { allowStale: false })).toMatchObject({ customerId });
  expect(await ask({ bearer: key }, { allowStale: false })).toMatchObject({ keyId: 'key_1' });
});
