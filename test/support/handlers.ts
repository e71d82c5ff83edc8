import postgres from 'postgres';
import type { Caller } from '../../lib/contract/api/caller.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import type { CallerOf, Route } from '../../lib/contract/deploy/route.ts';
import type { HttpRuntime } from '../../lib/http/pipeline.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { type Clock, stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { bigintAsNumber } from '../../lib/platform/sql.ts';
import { anyApplication } from './applications.ts';
import { type EventOptions, httpEvent } from './events.ts';

/** The options of the pools in `lib/platform/sql.ts`, except those of the connection. */
export const poolOptions = {
  transform: { column: { from: postgres.toCamel } },
  types: { bigint: bigintAsNumber },
};

export type Answer = {
  status: number;
  headers: Record<string, string>;
  /** The body as it was sent. */
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any body
  body: any;
};

export type Call = EventOptions & { token?: string };

/**
 * An operation with the whole HTTP pipeline and its real `run`. Only access control is replaced: it knows `callers` by
 * their tokens and limits nobody.
 */
export function openHandler<R extends Route, C extends OperationContract, D>(
  route: R,
  contract: C,
  run: (request: Request<C, CallerOf<R['auth']>>, deps: D) => Promise<Result>,
  deps: D,
  { callers = {}, clock = systemClock }: { callers?: Record<string, Caller>; clock?: Clock } = {},
) {
  const runtime = testRuntime(callers, clock);
  const handler = httpHandler(
    route,
    contract,
    run,
    () => deps,
    () => runtime,
  );
  return async ({ token, headers, ...options }: Call = {}): Promise<Answer> => {
    const credentials = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const event = httpEvent({
      method: route.method,
      path: route.path,
      headers: { 'client-id': anyApplication.id, ...credentials, ...headers },
      ...options,
    });
    const response = await handler(event);
    const text = response.body ?? '';
    const body = /json/.test(String(response.headers?.['content-type'])) ? JSON.parse(text) : undefined;
    return { status: response.statusCode ?? 200, headers: response.headers as Record<string, string>, text, body };
  };
}

function testRuntime(callers: Record<string, Caller>, clock: Clock): HttpRuntime {
  return {
    clock,
    stopwatch,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    meter: { count: () => {}, flush: () => {} },
    record: () => {},
    edge: { maxAge: 0, key: undefined },
    accessControl: {
      authenticate: async ({ bearer = '' }, { kinds, address }) => {
        if (bearer === '' && kinds.includes('client')) return { kind: 'client', address, application: anyApplication };
        const caller = callers[bearer];
        return caller !== undefined && caller.kind !== 'anonymous' && kinds.includes(caller.kind) ? caller : undefined;
      },
      findApplication: async () => anyApplication,
      perMinute: 100,
      concurrency: { acquire: async () => ({ acquired: true, fallback: false }), release: async () => {} },
      rateLimiter: async () => ({
        allowed: true,
        limit: 100,
        windowSeconds: 60,
        remaining: 99,
        resetSeconds: 60,
        fallback: false,
      }),
    },
  };
}
