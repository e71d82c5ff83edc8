import type { DatabaseRole } from '../contract/deploy/roles.ts';

/** A login role's pool to the writer, or its pool to the reader. */
export type PoolName = DatabaseRole | `${DatabaseRole}@reader`;

type Pool = { end(options: { timeout: number }): Promise<void> };

// Not in sql.ts, so that the bundles of handlers without a database do not contain the driver.
const pools = new Map<PoolName, Pool>();
/** How many pools of a role were replaced so far. */
const retired = new Map<PoolName, number>();
let onUse: ((name: PoolName) => void) | undefined;

/** The process's pool of a name. Opens one if there is none. */
export function poolOf<T extends Pool>(name: PoolName, open: () => T): T {
  onUse?.(name);
  let pool = pools.get(name) as T | undefined;
  if (pool === undefined) {
    pool = open();
    pools.set(name, pool);
  }
  return pool;
}

/** Tells which pools are used, each time. For the local stack's host; a function on AWS never calls it. */
export function watchPools(listener: (name: PoolName) => void): void {
  onUse = listener;
}

/** Drops a pool whose connections may be stuck. The next `poolOf` opens a new one. */
export function dropPool(name: PoolName): void {
  retire(name, 0);
}

/** Identifies a role's current pool, for `replacePool` later. */
export const generationOf = (name: PoolName): number => retired.get(name) ?? 0;

/**
 * Replaces a pool that lost a connection or got stuck. Statements on its other connections may finish. The driver
 * reconnects a lost connection with its unsent statements still queued, and the new session may then never start
 * (porsager/postgres issues 1193, 1208). Requests that shared the pool may fail later for the same reason. That must
 * not replace the new pool, so only the pool of the given generation is replaced.
 */
export function replacePool(name: PoolName, generation: number): void {
  if (generation === generationOf(name)) retire(name, 5);
}

function retire(name: PoolName, timeout: number): void {
  const pool = pools.get(name);
  pools.delete(name);
  retired.set(name, generationOf(name) + 1);
  pool?.end({ timeout }).catch(() => {});
}
