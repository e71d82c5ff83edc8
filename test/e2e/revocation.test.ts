import { setTimeout as sleep } from 'node:timers/promises';
import { type ExpectStatic, inject, test } from 'vitest';
import { type Answer, type Options, patiently, send, sendOnce, succeed } from './client.ts';
import { newBuyer, unique } from './shop.ts';

/*
 * 32 callers use one credential as fast as they are answered; then it is taken away. What begins after the answer to that
 * must be refused, each time.
 */
const { appKey, clientId, limitPerMinute } = inject('target');
const callers = 32;
/** Calls before it is taken away. */
const underWay = Math.min(4 * callers, limitPerMinute / 2);

type Call = { began: number; ended: number; status: number };

/** Calls on until each caller has been refused three times in a row. */
async function useAndRevoke(expect: ExpectStatic, use: () => Promise<Answer>, revoke: () => Promise<void>) {
  const calls: Call[] = [];
  let revokedAt = Number.POSITIVE_INFINITY;
  const caller = async () => {
    for (let refusals = 0; refusals < 3; ) {
      const began = performance.now();
      const { status } = await use();
      // Neither let in nor refused: over the rate limit, or the target is busy.
      if (status === 429 || status === 503) {
        await sleep(100);
        continue;
      }
      calls.push({ began, ended: performance.now(), status });
      refusals = status === 200 ? 0 : refusals + 1;
    }
  };
  const all = Promise.all(Array.from({ length: callers }, caller));
  // Under way, by everybody, before it is taken away.
  await expect.poll(() => calls.length, { interval: 5 }).toBeGreaterThan(underWay);
  await revoke();
  revokedAt = performance.now();
  await all;
  return { calls, revokedAt };
}

function judge(
  expect: ExpectStatic,
  what: string,
  { calls, revokedAt }: { calls: Call[]; revokedAt: number },
  graceMs: number,
) {
  const good = calls.filter(({ status }) => status === 200);
  const after = calls.filter(({ began }) => began > revokedAt + graceMs);
  const last = Math.max(...good.map(({ began }) => began)) - revokedAt;
  process.stdout.write(
    `${what}: ${callers} callers, ${calls.length} calls, ${good.length} let in, ${after.length} begun ${graceMs === 0 ? '' : `${graceMs} ms `}after the answer; the last that was let in began ${Math.round(last)} ms from it\n`,
  );
  expect([...new Set(calls.map(({ status }) => status))].toSorted()).toEqual([200, 401]);
  expect(after.length).toBeGreaterThan(0);
  expect(after.filter(({ status }) => status !== 401)).toEqual([]);
}

const fields = { kind: 'server', scopes: ['catalog:read'], contact: 'e2e@example.com', rateClass: 'high' };

async function newServer(): Promise<{ id: string; keyId: string; key: string }> {
  const body = { ...fields, name: unique('revoked') };
  const { body: made } = await succeed('create-application', 201, { token: appKey, body });
  const path = { applicationId: made.id };
  const { body: key } = await succeed('create-key', 201, { token: appKey, path, body: {} });
  return { id: made.id, keyId: key.id, key: key.key };
}

const once = (path: string, options: Options) => sendOnce('GET', path, options);
const remove = (id: string) => send('DELETE', `/applications/${id}`, { token: appKey });

test('a session that its customer ends lets nobody in any more', async ({ expect }) => {
  const buyer = await newBuyer();
  const { email, password } = buyer;
  const { body: other } = await succeed('sign-in', 201, { clientId, body: { email, password } });
  const { body: list } = await succeed('list-sessions', 200, { token: buyer.token });
  const [stolen] = list.data.filter(({ current }) => current);
  const result = await useAndRevoke(
    expect,
    () => once('/customers/me', { token: buyer.token }),
    async () => {
      await succeed('end-session', 204, { token: other.token, path: { sessionId: stolen!.id } });
    },
  );
  judge(expect, 'session', result, 0);
  await succeed('get-me', 200, { token: other.token });
});

test('a key that is deleted lets nobody in any more, and the other goes on', async ({ expect }) => {
  const { id, keyId, key } = await newServer();
  const path = { applicationId: id };
  const { body: next } = await succeed('create-key', 201, { token: appKey, path, body: {} });
  const result = await useAndRevoke(
    expect,
    () => once('/products?limit=1', { token: key }),
    async () => {
      await succeed('delete-key', 204, { token: appKey, path: { applicationId: id, keyId } });
    },
  );
  judge(expect, 'key', result, 0);
  await succeed('list-products', 200, { token: next.key, query: { limit: 1 } });
  await remove(id);
});

test('an application that is suspended is out with its keys within a second', async ({ expect }) => {
  const { id, key } = await newServer();
  const result = await useAndRevoke(
    expect,
    () => once('/products?limit=1', { token: key }),
    async () => {
      const suspended = { status: 'suspended' };
      await succeed('update-application', 200, { token: appKey, path: { applicationId: id }, body: suspended });
    },
  );
  // As many as come: for a second they may be let in, and at the end all are refused.
  judge(expect, 'application', { ...result, calls: [...result.calls, ...(await late(key, result.revokedAt))] }, 1000);
  await remove(id);
});

/** Calls that begin more than a second after. */
async function late(token: string, revokedAt: number): Promise<Call[]> {
  await sleep(Math.max(0, revokedAt + 1001 - performance.now()));
  const call = async () => {
    const began = performance.now();
    const { status } = await patiently(() => once('/products?limit=1', { token }));
    return { began, ended: performance.now(), status };
  };
  return Promise.all(Array.from({ length: callers }, call));
}
