import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { type Answer, createFakePayments, type Params, refusal } from './fake-stripe-payments.ts';
import { stripeJudge } from './stripe-judge.ts';

export const fakeStripeKey = 'sk_test_51FakeKeyThatNobodyMaySee';

/** What to do with a call instead of answering it as Stripe would. */
export type Fault =
  /** It is done, and the answer never comes. */
  | 'silent'
  /** It is done, and the connection breaks. */
  | 'reset'
  /** It is not done; the server says so. Kept under the idempotency key as Stripe keeps it. */
  | 'error-500'
  /** It is done, and the server says that it failed. Kept as well. */
  | 'done-500'
  | 'rate-limit'
  /** It is done, and then waits for `release`. */
  | 'held'
  /** It is not done but refused, with this code. */
  | { refused: string }
  /** It is begun and then refused, with this code. Kept as well. */
  | { keptRefusal: string };

export type FakeStripe = {
  api: { protocol: 'http'; host: string; port: number };
  payments: ReturnType<typeof createFakePayments>;
  /** Every request in order, as `POST /v1/payment_intents/:id/confirm`. */
  calls: string[];
  /** Of every request that changes something, the idempotency key; undefined where it came without one. */
  keys: (string | undefined)[];
  /** Faults for the next calls whose name ends like this. */
  fail(callEndsWith: string, ...faults: Fault[]): void;
  release(): void;
  /** Requests so far whose answer was kept back, or went down with the connection. */
  unanswered(): number;
  /** Forgets all idempotency keys, as after a day. */
  forgetKeys(): void;
  stop(): Promise<void>;
};

/**
 * Work that asks Stripe for something and gets no answer: as soon as that is so, its time is over, however long it may
 * take and however slow the machine is.
 */
export async function givenUp<T>(stripe: FakeStripe, work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const before = stripe.unanswered();
    const outcome = work();
    outcome.catch(() => {});
    while (stripe.unanswered() === before) await new Promise(setImmediate);
    vi.advanceTimersByTime(60_000);
    return await outcome;
  } finally {
    vi.useRealTimers();
  }
}

type Kept = { fingerprint: string; answer: Answer | undefined };

/**
 * Stripe's PaymentIntents and refunds on 127.0.0.1, with its idempotency keys: the first answer is kept and repeated,
 * failures too; a key in use is a 409, one that comes with other parameters a 400.
 */
export async function startFakeStripe(now?: () => number): Promise<FakeStripe> {
  const payments = createFakePayments(now);
  const answers = new Map<string, Kept>();
  const keys: (string | undefined)[] = [];
  const faults = new Map<string, Fault[]>();
  const calls: string[] = [];
  const judge = stripeJudge();
  let held: (() => void)[] = [];
  let unanswered = 0;

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    api: { protocol: 'http', host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    payments,
    calls,
    keys,
    fail: (callEndsWith, ...next) => faults.set(callEndsWith, [...(faults.get(callEndsWith) ?? []), ...next]),
    release: () => {
      for (const go of held) go();
      held = [];
    },
    unanswered: () => unanswered,
    forgetKeys: () => answers.clear(),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await judge.verdict();
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stripe');
    const body = await text(request);
    const call = `${request.method} ${url.pathname.replace(/\/(pi|re)_fake\d+/, '/:id')}`;
    calls.push(call);
    const key = request.headers['idempotency-key'] as string | undefined;
    const fault = faultFor(call, answers.get(key ?? '')?.answer !== undefined);
    if (request.method !== 'GET') keys.push(key);
    const { answer, replayed } = await answerOnce(request, url, body, key, fault);
    judge.note({
      method: request.method ?? '',
      url: request.url ?? '',
      authorization: request.headers.authorization ?? '',
      body,
      answer: answer.status === 200 ? answer.body : undefined,
    });
    if (fault === 'reset' || fault === 'silent') {
      unanswered += 1;
      if (fault === 'reset') request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      'request-id': `req_fake${calls.length}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
    });
    response.end(JSON.stringify(answer.body));
  }

  async function answerOnce(
    request: IncomingMessage,
    url: URL,
    body: string,
    key: string | undefined,
    fault: Fault | undefined,
  ): Promise<{ answer: Answer; replayed: boolean }> {
    if (request.headers.authorization !== `Bearer ${fakeStripeKey}`) {
      const message = `Invalid API Key provided: ${request.headers.authorization?.slice(7)}`;
      return { answer: refusal(401, 'invalid_request_error', { message }), replayed: false };
    }
    if (request.headers['stripe-version'] !== '2026-10-28.endive') {
      return { answer: refusal(400, 'invalid_request_error', { message: 'unknown version' }), replayed: false };
    }
    // What the package tells of the machine, and of the calls before, unless it is told not to.
    const told = String(request.headers['x-stripe-client-user-agent']);
    if ('x-stripe-client-telemetry' in request.headers || /"(platform|telemetry_id)"/.test(told)) {
      return { answer: refusal(400, 'invalid_request_error', { message: 'nobody asked' }), replayed: false };
    }
    if (typeof fault === 'object' && 'refused' in fault) {
      return { answer: refusal(400, 'invalid_request_error', { code: fault.refused }), replayed: false };
    }
    if (fault === 'rate-limit') {
      return { answer: refusal(429, 'invalid_request_error', { code: 'rate_limit' }), replayed: false };
    }
    const params: Params = Object.fromEntries(request.method === 'GET' ? url.searchParams : new URLSearchParams(body));
    if (key === undefined || request.method === 'GET') {
      const answer = payments.handle(request.method ?? '', url.pathname, params);
      if (fault === 'held') await new Promise<void>((resolve) => held.push(resolve));
      return { answer, replayed: false };
    }

    const fingerprint = `${request.method} ${url.pathname} ${body}`;
    const known = answers.get(key);
    if (known !== undefined && known.fingerprint !== fingerprint) {
      return { answer: refusal(400, 'idempotency_error', { message: 'other parameters' }), replayed: false };
    }
    if (known !== undefined) {
      return known.answer === undefined
        ? { answer: refusal(409, 'invalid_request_error', { code: 'idempotency_key_in_use' }), replayed: false }
        : { answer: known.answer, replayed: true };
    }
    const kept: Kept = { fingerprint, answer: undefined };
    answers.set(key, kept);
    const answer = begin(fault, () => payments.handle(request.method ?? '', url.pathname, params));
    if (fault === 'held') await new Promise<void>((resolve) => held.push(resolve));
    // What fails validation was never begun, so it is not kept.
    if (answer.invalid) answers.delete(key);
    else kept.answer = answer;
    return { answer, replayed: false };
  }

  function begin(fault: Fault | undefined, handle: () => Answer): Answer {
    if (typeof fault === 'object' && 'keptRefusal' in fault) {
      return refusal(400, 'invalid_request_error', { code: fault.keptRefusal });
    }
    if (fault === 'error-500') return refusal(500, 'api_error', {});
    const answer = handle();
    return fault === 'done-500' ? refusal(500, 'api_error', {}) : answer;
  }

  /** What befalls the work itself is left for a call that is not just a repetition. */
  function faultFor(call: string, isRepeated: boolean): Fault | undefined {
    for (const [ending, next] of faults) {
      if (!call.endsWith(ending) || next.length === 0) continue;
      return isRepeated && isKept(next[0]!) ? undefined : next.shift();
    }
    return undefined;
  }
}

const isKept = (fault: Fault): boolean =>
  fault === 'error-500' || fault === 'done-500' || (typeof fault === 'object' && 'keptRefusal' in fault);
