import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import postgres from 'postgres';
import type { Caller } from '../../lib/contract/api/caller.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import type { CallerOf, Route } from '../../lib/contract/deploy/route.ts';
import { type Clock, stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { type HttpRuntime, httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { bigintAsNumber } from '../../lib/platform/sql.ts';
import { anyApplication } from './applications.ts';
import { type EventOptions, httpEvent } from './events.ts';

/** What `lib/platform/sql.ts` opens its pools with, beside the way to the server. */
export const poolOptions = {
  transform: { column: { from: postgres.toCamel } },
  types: { bigint: bigintAsNumber },
};

export type Answer = {
  status: number;
  headers: Record<string, string>;
  /** As it was sent. */
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  body: any;
};

export type Call = EventOptions & { token?: string };

/**
 * One operation with its whole HTTP pipeline and its real `run`. Only the access control is not the real one: it knows
 * `callers` by their token and limits nobody.
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
    const response = await handler(event, {} as Context);
    const text = response.body ?? '';
    const body = /json/.test(String(response.headers?.['content-type'])) ? JSON.parse(text) : undefined;
    return { status: response.statusCode ?? 200, headers: response.headers as Record<string, string>, text, body };
  };
}

function testRuntime(callers: Record<string, Caller>, clock: Clock): HttpRuntime {
  return {
    clock,
    stopwatch,
    log: new Logger({ serviceName: 'test', logLevel: 'SILENT' }),
    meter: { count: () => {}, flush: () => {} },
    record: () => {},
    accessControl: {
      identify: async ({ bearer = '' }, { kinds, address }) => {
        if (bearer === '' && kinds.includes('client')) return { kind: 'client', address, application: anyApplication };
        const caller = callers[bearer];
        return caller !== undefined && caller.kind !== 'anonymous' && kinds.includes(caller.kind) ? caller : undefined;
      },
      application: async () => anyApplication,
      perMinute: 100,
      acquire: async () => ({ acquired: true, fallback: false }),
      release: async () => {},
      take: async () => ({
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
