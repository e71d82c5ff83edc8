import { AsyncLocalStorage } from 'node:async_hooks';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { HttpRequest } from '@smithy/protocol-http';
import postgres from 'postgres';
import { watchAwsCalls } from '../../../lib/platform/aws/caller.ts';
import { askedOf, requestOf } from './calls.ts';

/** A call that a function waited for. `at` is in milliseconds since the function began, the parameters are left out. */
export type Span = {
  at: number;
  milliseconds: number;
  kind: 'sql' | 'dynamodb' | 'states' | 'events' | 'other';
  /** The statement with its placeholders, or the action and what it is on. */
  what: string;
  error: string | null;
};

/** A run of a function. `at` is in milliseconds since the epoch, by the machine's clock. */
export type Trace = {
  handler: string;
  at: number;
  milliseconds: number;
  /** Of the request that it answered. */
  requestId: string | null;
  /** Of the order whose saga it is a step of. */
  orderId: string | null;
  spans: Span[];
  /** How many calls more it made. */
  more: number;
};

const mostSpans = 200;
const longestText = 8000;

/**
 * Follows what functions wait for: SQL where postgres.js starts and settles a statement, AWS where a request is handed to
 * HTTP. It changes both libraries for this thread, so it is called once, and only when somebody looks.
 * @returns what runs a function and gives its trace to `onTrace`
 */
export function traceCalls(onTrace: (trace: Trace) => void) {
  const running = new AsyncLocalStorage<{ trace: Trace; startedAt: number }>();

  /** Begins a call of the function that runs. @returns what ends it; undefined when none runs, or it made too many */
  function begin(kind: Span['kind'], what: string) {
    const run = running.getStore();
    if (run === undefined) return undefined;
    const { trace, startedAt } = run;
    if (trace.spans.length >= mostSpans) {
      trace.more += 1;
      return undefined;
    }
    const at = performance.now() - startedAt;
    const span: Span = { at, milliseconds: 0, kind, what, error: null };
    trace.spans.push(span);
    return (error: string | null, text = what) => {
      Object.assign(span, {
        milliseconds: performance.now() - startedAt - at,
        error,
        what: text.slice(0, longestText),
      });
    };
  }

  watchStatements((text) => begin('sql', text));
  watchRequests(begin);

  return async function traced<T>(handler: string, event: unknown, run: () => Promise<T>): Promise<T> {
    const { orderId = null } = (event ?? {}) as { orderId?: string | null };
    const trace: Trace = { handler, at: Date.now(), milliseconds: 0, requestId: null, orderId, spans: [], more: 0 };
    const startedAt = performance.now();
    try {
      const result = await running.run({ trace, startedAt }, run);
      trace.requestId = requestIdOf(result);
      return result;
    } finally {
      trace.milliseconds = performance.now() - startedAt;
      onTrace(trace);
    }
  };
}

function requestIdOf(result: unknown): string | null {
  const { headers } = (result ?? {}) as { headers?: Record<string, unknown> };
  return typeof headers?.['x-request-id'] === 'string' ? headers['x-request-id'] : null;
}

type End = (error: string | null, text?: string) => void;

/** A statement of postgres.js, as far as it is used. */
type Statement = {
  executed: boolean;
  statement: { string?: string } | null;
  resolve(result: unknown): void;
  reject(error: Error): void;
  handle(): unknown;
};

/** Sees each statement from when its caller waits for it, which includes the wait for a connection, until its answer. */
function watchStatements(begin: (text: string) => End | undefined): void {
  const never = postgres({ host: '/nowhere' });
  // Nobody waits for it, so it is never sent.
  const statements = Object.getPrototypeOf(never`select`) as Statement;
  const { handle } = statements;
  statements.handle = function () {
    const end = this.executed ? undefined : begin('');
    if (end !== undefined) {
      const { resolve, reject } = this;
      const text = () => this.statement?.string ?? '';
      this.resolve = (result) => {
        end(null, text());
        resolve(result);
      };
      this.reject = (error) => {
        end(error.message, text());
        reject(error);
      };
    }
    return handle.call(this);
  };
}

const kinds: Readonly<Record<string, Span['kind']>> = { dynamodb: 'dynamodb', states: 'states', events: 'events' };

function watchRequests(begin: (kind: Span['kind'], what: string) => End | undefined): void {
  async function watched<T>(
    request: Parameters<typeof askedOf>[0],
    send: () => Promise<T>,
    statusOf: (answer: T) => number,
  ) {
    const asked = askedOf(request);
    const service = asked[0]?.action.split(':')[0] ?? '';
    const what = asked.map(({ action, resource }) => `${action.replace(/^\w+:/, '')} ${resource.replace(/^.*:/, '')}`);
    const end = begin(kinds[service] ?? 'other', what.join(', '));
    try {
      const answer = await send();
      const status = statusOf(answer);
      end?.(status < 400 ? null : `answered ${status}`);
      return answer;
    } catch (error) {
      end?.((error as Error).message);
      throw error;
    }
  }
  watchAwsCalls((call, send) => watched(requestOf(call), send, ({ status }) => status));
  const { handle } = NodeHttpHandler.prototype;
  NodeHttpHandler.prototype.handle = function (request, options) {
    const send = () => handle.call(this, request, options);
    return watched(request as HttpRequest, send, ({ response }) => response.statusCode);
  };
}
