import type { DatabaseRole } from '../contract/deploy/roles.ts';

type Pool = { end(options: { timeout: number }): Promise<void> };

// Not in sql.ts, so that the bundles of handlers without a database do not contain the driver.
const pools = new Map<DatabaseRole, Pool>();
/** How many pools of a role were replaced so far. */
const retired = new Map<DatabaseRole, number>();

/** The process's pool of a role. Opens one if there is none. */
export function poolOf<T extends Pool>(role: DatabaseRole, open: (role: DatabaseRole) => T): T {
  let pool = pools.get(role) as T | undefined;
  if (pool === undefined) {
    pool = open(role);
    pools.set(role, pool);
  }
  return pool;
}

/** Drops a pool whose connections may be stuck. The next `poolOf` opens a new one. */
export function dropPool(role: DatabaseRole): void {
  retire(role, 0);
}

/** Identifies a role's current pool, for `replacePool` later. */
export const generationOf = (role: DatabaseRole): number => retired.get(role) ?? 0;

/**
 * Replaces a pool that lost a connection or got stuck. Statements on its other connections may finish. The driver
 * reconnects a lost connection with its unsent statements still queued, and the new session may then never start
 * (porsager/postgres issues 1193, 1208). Requests that shared the pool may fail later for the same reason. That must
 * not replace the new pool, so only the pool of the given generation is replaced.
 */
export function replacePool(role: DatabaseRole, generation: number): void {
  if (generation === generationOf(role)) retire(role, 5);
}

function retire(role: DatabaseRole, timeout: number): void {
  const pool = pools.get(role);
  pools.delete(role);
  retired.set(role, generationOf(role) + 1);
  pool?.end({ timeout }).catch(() => {});
}
