import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { routes } from '../../functions/routes.ts';
import type { Caller } from '../../lib/contract/api/caller.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { AccessLine } from '../../lib/contract/deploy/access-line.ts';
import type { HttpRuntime } from '../../lib/http/pipeline.ts';
import type { Result } from '../../lib/http/response.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { anyApplication } from '../support/applications.ts';
import { httpEvent } from '../support/events.ts';

const contract = { summary: 'Try', body: z.strictObject({}), responses: { 200: null } } satisfies OperationContract;

/** Calls a public handler whose access control takes `accessMs` on the injected stopwatch. */
async function answerOf(run: () => Promise<Result>, { accessMs = 0, record = (_line: AccessLine): void => {} } = {}) {
  let elapsed = 0;
  const runtime = {
    stopwatch: { elapsed: () => elapsed },
    clock: systemClock,
    record,
    edge: { maxAge: 0, key: undefined },
    log: { info: () => {}, error: () => {} },
    meter: { count: () => {}, flush: () => {} },
    accessControl: {
      authenticate: async () => ({ kind: 'client', address: '', application: anyApplication }),
      perMinute: 100,
      rateLimiter: async () => {
        elapsed += accessMs;
        return { allowed: true, limit: 9, windowSeconds: 60, remaining: 8, resetSeconds: 60, fallback: false };
      },
    },
  } as unknown as HttpRuntime;
  const handler = httpHandler(
    { ...routes['sign-up'], auth: 'public', scopes: [] },
    contract,
    run,
    () => undefined,
    () => runtime,
  );
  const headers = { 'client-id': anyApplication.id };
  const response = await handler(httpEvent({ method: 'POST', body: {}, headers }));
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(response.body || 'null') };
}

test('the time that access control takes is not available to the handler, so that there is still time to answer', async () => {
  const startedAt = performance.now();
  const answer = await answerOf(() => new Promise(() => {}), { accessMs: 8_000 });
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' }, headers: { 'retry-after': '2' } });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('an error with a status code, as libraries throw, does not count as a malformed body', async () => {
  for (const statusCode of [400, 415, 422]) {
    const answer = await answerOf(() => Promise.reject(Object.assign(new Error('card declined'), { statusCode })));
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal' } });
    expect(JSON.stringify(answer.body)).not.toContain('declined');
  }
});

test('no response leaves before its access record is written, or without one', async () => {
  const printed: AccessLine[] = [];
  const outcomes: (() => Promise<Result>)[] = [
    async () => ({ status: 201 }),
    () => Promise.reject(new Error('oops')),
    () => Promise.reject(new Problem('not-found', '')),
  ];
  for (const [index, outcome] of outcomes.entries()) {
    const answer = await answerOf(outcome, { record: (line) => printed.push(line) });
    expect(printed).toHaveLength(index + 1);
    expect(printed[index]).toMatchObject({ status: answer.status, problem: answer.body?.code ?? null });
  }
  const refuses = () => {
    throw new Error('standard output is closed');
  };
  await expect(answerOf(async () => ({ status: 201 }), { record: refuses })).rejects.toThrow();
});

test('a request over its rate limit is recorded and counted under its application', async () => {
  const application = {
    id: 'app_1',
    scopes: [],
    kind: 'mobile',
    rateClass: 'standard',
    origins: [],
    name: '',
  } as never;
  const caller: Caller = { kind: 'client', address: '192.0.2.1', application };
  const printed: AccessLine[] = [];
  const counted: [string, string | undefined][] = [];
  const allowed = { limit: 9, windowSeconds: 60, remaining: 8, resetSeconds: 60, fallback: false };
  const runtime = {
    clock: systemClock,
    stopwatch: { elapsed: () => 0 },
    record: (line: AccessLine) => printed.push(line),
    log: {},
    edge: { maxAge: 0, key: undefined },
    meter: { count: (name: string, _: number, label?: string) => counted.push([name, label]), flush: () => {} },
    accessControl: {
      authenticate: async () => caller,
      findApplication: async () => application,
      rateLimiter: async (subject: string) => ({ ...allowed, allowed: !subject.startsWith('application:') }),
      perMinute: 9,
    },
  } as unknown as HttpRuntime;
  const handler = httpHandler(
    routes['list-products'],
    { summary: 'Try', responses: { 200: null } },
    async () => ({ status: 200 }),
    () => undefined,
    () => runtime,
  );
  await handler(httpEvent({ headers: { 'Client-Id': 'app_1' } }));
  expect(printed).toMatchObject([{ status: 429, problem: 'rate-limited', applicationId: 'app_1' }]);
  expect(counted).toContainEqual(['ApplicationRequests', 'app_1']);
  expect(counted).toContainEqual(['ApplicationErrors', 'app_1']);
  expect(counted).toContainEqual(['ApplicationLatency', 'app_1']);
});
