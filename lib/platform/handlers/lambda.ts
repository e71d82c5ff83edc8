import type { Context } from 'aws-lambda';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../kernel/deadline.ts';
import { isConnectionLoss } from '../../kernel/outage.ts';
import { onLambda } from '../config.ts';
import { generationOf, replacePool } from '../pools.ts';
import type { Logger, Meter } from '../telemetry.ts';

/** What a step or job is handed beside its input. */
export type Runtime = { meter: Meter; log: Logger; clock: Clock; stopwatch: Stopwatch };

/**
 * A handler's frame and what `wire` makes of it, made once: now on Lambda, where starting is when the processor is fastest,
 * and at the first call elsewhere.
 */
export function wireOnce<F extends Runtime, D>(
  runtimeOf: () => F,
  wire: (runtime: F) => D,
): () => { runtime: F; deps: D } {
  let made: { runtime: F; deps: D } | undefined;
  const wired = () => {
    if (made === undefined) {
      const runtime = runtimeOf();
      made = { runtime, deps: wire(runtime) };
    }
    return made;
  };
  if (onLambda()) wired();
  return wired;
}

/**
 * Runs work until shortly before Lambda would end the environment. A pool that hung until then, or lost a connection, is
 * replaced.
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

/** Milliseconds that an invocation may still use, keeping a little to answer. */
export const remaining = (context: Context | undefined, fallback: number): number =>
  Math.max(100, (context?.getRemainingTimeInMillis?.() ?? fallback) - 250);
