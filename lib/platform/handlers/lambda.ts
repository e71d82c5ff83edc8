import type { Context } from 'aws-lambda';
import type { Meter } from '../../contract/deploy/metrics.ts';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { type Clock, type Stopwatch, stopwatch } from '../../kernel/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../kernel/deadline.ts';
import { describeError, type Logger } from '../../kernel/log.ts';
import { isConnectionLoss } from '../../kernel/outage.ts';
import { clock } from '../clock.ts';
import { onLambda } from '../config.ts';
import { generationOf, type PoolName, replacePool } from '../pools.ts';
import { addToTrace, emfMeter, logger } from '../telemetry.ts';

/** What every handler gets from its process. */
export type Runtime = { meter: Meter; log: Logger; clock: Clock; stopwatch: Stopwatch };

export const runtime = (): Runtime => ({ meter: emfMeter(), log: logger(), clock, stopwatch });

/**
 * Creates a handler's runtime and dependencies once: on Lambda immediately, because a function has the most processor
 * time while it starts, elsewhere at the first call.
 */
export function wireOnce<R extends Runtime, D>(
  runtimeOf: () => R,
  wire: (runtime: R) => D,
): () => { runtime: R; deps: D } {
  let created: { runtime: R; deps: D } | undefined;
  const wired = () => {
    if (created === undefined) {
      const runtime = runtimeOf();
      created = { runtime, deps: wire(runtime) };
    }
    return created;
  };
  if (onLambda()) wired();
  return wired;
}

/**
 * Waits for work, up to a deadline before Lambda ends the environment. If the connection pool is stuck until
 * then, or loses a connection, it is replaced.
 * @throws DeadlineExceeded
 */
export async function untilDeadline<T>(work: Promise<T>, milliseconds: number, pool: PoolName | null): Promise<T> {
  const generation = pool === null ? 0 : generationOf(pool);
  try {
    return await withDeadline(work, milliseconds);
  } catch (error) {
    if (pool !== null && (error instanceof DeadlineExceeded || isConnectionLoss(error))) replacePool(pool, generation);
    throw error;
  }
}

/** An invocation: its dependencies, what its log line says about it, and its deadline. */
export type Invocation<D> = {
  runtime: Runtime;
  deps: D;
  /** Fields of the line. Those that are added before an error are in its line too. */
  line: Record<string, unknown>;
  within: <T>(work: Promise<T>) => Promise<T>;
};

type Logged = {
  databaseRole: DatabaseRole | null;
  /** 30 by default, for handlers that Lambda gives no other limit. */
  timeoutSeconds?: number;
  /** What the line says first. */
  line: Record<string, unknown>;
  done: string;
  failed: string;
  /** An error that is part of the work, and what the log says of it. */
  expected?: (error: unknown) => { message: string; fields: object } | undefined;
};

/**
 * What surrounds an invocation that is not a request: its deadline, one log line that says what came of it and how long it took,
 * and what it counted.
 */
export async function logged<D, R>(
  { runtime, deps }: { runtime: Runtime; deps: D },
  context: Context | undefined,
  { databaseRole, timeoutSeconds = 30, line: first, done, failed, expected }: Logged,
  run: (invocation: Invocation<D>) => Promise<R>,
): Promise<R> {
  const { log, meter, stopwatch } = runtime;
  const startedAt = stopwatch.elapsed();
  const line: Record<string, unknown> = { ...first };
  const trace = (fault: boolean) =>
    addToTrace({ milliseconds: stopwatch.elapsed() - startedAt, fault, annotations: annotationsOf(line) });
  const within = <T>(work: Promise<T>) => untilDeadline(work, remaining(context, timeoutSeconds * 1000), databaseRole);
  try {
    const result = await run({ runtime, deps, line, within });
    log.info(done, { ...line, milliseconds: stopwatch.elapsed() - startedAt });
    trace(false);
    return result;
  } catch (error) {
    const known = expected?.(error);
    if (known === undefined) log.error(failed, { ...line, error: describeError(error) });
    else log.info(known.message, { ...line, ...known.fields });
    trace(known === undefined);
    throw error;
  } finally {
    meter.flush();
  }
}

/** By what the trace of an invocation can be found, of what its line says. */
const annotationsOf = (line: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    ['step', 'job', 'consumer', 'stream', 'orderId', 'event', 'correlationId'].flatMap((name) =>
      typeof line[name] === 'string' ? [[name, line[name]]] : [],
    ),
  );

/** Milliseconds that an invocation may still use, less a reserve to answer. */
const remaining = (context: Context | undefined, fallback: number): number =>
  Math.max(100, (context?.getRemainingTimeInMillis?.() ?? fallback) - 250);
