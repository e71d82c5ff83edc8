import type { Context } from 'aws-lambda';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { routes } from '../../functions/routes.ts';
import type { OperationContract } from '../../lib/contract/operation.ts';
import { type HttpFrame, httpDoor, type Result } from '../../lib/entry/http.ts';
import { anyApplication } from '../support/applications.ts';
import { httpEvent } from '../support/events.ts';

const contract = { summary: 'Try', body: z.strictObject({}), responses: { 200: null } } satisfies OperationContract;

/** A door of its own, public, with a doorkeeper that takes `keeperMs` of the injected stopwatch. */
async function answerOf(run: () => Promise<Result>, { keeperMs = 0 } = {}) {
  let elapsed = 0;
  const frame = {
    stopwatch: { elapsed: () => elapsed },
    log: { info: () => {}, error: () => {} },
    meter: { count: () => {}, flush: () => {} },
    doorkeeper: {
      identify: async () => ({ kind: 'client', address: '', application: anyApplication }),
      perMinute: 100,
      take: async () => {
        elapsed += keeperMs;
        return { allowed: true, limit: 9, windowSeconds: 60, remaining: 8, resetSeconds: 60, fallback: false };
      },
    },
  } as unknown as HttpFrame;
  const handler = httpDoor(
    routes['sign-up'],
    contract,
    run,
    () => undefined,
    () => frame,
  );
  const headers = { 'client-id': anyApplication.id };
  const response = await handler(httpEvent({ method: 'POST', body: {}, headers }), {} as Context);
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(response.body || 'null') };
}

test('what the doorkeeper took is taken from the time for the work, so that there is still time to answer', async () => {
  const startedAt = performance.now();
  const answer = await answerOf(() => new Promise(() => {}), { keeperMs: 8_000 });
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' }, headers: { 'retry-after': '2' } });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('an error of a library that has a status code is not taken for a malformed body', async () => {
  for (const statusCode of [400, 415, 422]) {
    const answer = await answerOf(() => Promise.reject(Object.assign(new Error('card declined'), { statusCode })));
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal' } });
    expect(JSON.stringify(answer.body)).not.toContain('declined');
  }
});
