import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseRole } from '../contract/deploy/roles.ts';
import { type Cache, createCache } from '../kernel/cache-aside.ts';
import type { CachePointers } from '../kernel/cache-changes.ts';
import { createCircuitBreaker } from '../kernel/circuit-breaker.ts';
import { describeError } from '../kernel/log.ts';
import { cacheStore, cachePointers as pointersIn } from './cache.dynamo.ts';
import { clock } from './clock.ts';
import { config, tableName } from './config.ts';
import { dynamo } from './dynamo.ts';
import { type Runtime, untilDeadline } from './handlers/lambda.ts';

const cacheTable = () => ({ client: dynamo(), table: tableName('cache'), clock });

/** A handler's cache of what it reads from the database as a role. With `CACHE=off` it reads the database each time. */
export function cacheOver(role: DatabaseRole, { meter, log, stopwatch }: Runtime): Cache {
  if (config().CACHE === 'off') return { read: (_, load) => load() };
  return createCache({
    store: cacheStore(cacheTable()),
    clock,
    stopwatch,
    sleep,
    random: Math.random,
    storeBreaker: createCircuitBreaker(clock),
    sourceBreaker: createCircuitBreaker(clock),
    untilDeadline: (load, milliseconds) => untilDeadline(load, milliseconds, role),
    onAnswer: (from) => meter.count('CacheReads', 1, from),
    onUnreachable: (error) => log.warn('cache not reached', { error: describeError(error) }),
  });
}

/**
 * The pointers of cached entries. Changes move them whether the cache is on or not: a stage that switches it on again, or
 * one function after the other, must not find entries from before.
 */
export const cachePointers = (): CachePointers => pointersIn(cacheTable());
