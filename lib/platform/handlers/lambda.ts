import type { Context } from 'aws-lambda';
import type { Meter } from '../../contract/deploy/metrics.ts';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { type Clock, type Stopwatch, stopwatch } from '../../kernel/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../kernel/deadline.ts';
import type { Logger } from '../../kernel/log.ts';
import { isConnectionLoss } from '../../kernel/outage.ts';
import { clock } from '../clock.ts';
import { onLambda } from '../config.ts';
import { generationOf, replacePool } from '../pools.ts';
import { emfMeter, logger } from '../telemetry.ts';

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
 * Waits for work, up to a deadline before Lambda ends the environment. If a connection pool of the role is stuck until
 * then, or loses a connection, it is replaced.
 * @throws DeadlineExceeded
 */
export async function untilDeadline<T>(work: Promise<T>, milliseconds: number, role: DatabaseRole | null): Promise<T> {
  const generation = role === null ? 0 : generationOf(role);
  try {
    return await withDeadline(work, milliseconds);
  } catch (error) {
    if (role !== null && (error instanceof DeadlineExceeded || isConnectionLoss(error))) replacePool(role, generation);
    throw error;
  }
}

/** Milliseconds that an invocation may still use, less a reserve to answer. */
export const remaining = (context: Context | undefined, fallback: number): number =>
  Math.max(100, (context?.getRemainingTimeInMillis?.() ?? fallback) - 250);
