import type { DatabaseRole } from '../contract/deploy/roles.ts';

type Pool = { end(options: { timeout: number }): Promise<void> };

// Apart from sql.ts, so that a handler without a database can share the entry's code and not carry the driver.
const pools = new Map<DatabaseRole, Pool>();
/** How many pools of a role were given up so far. */
const retired = new Map<DatabaseRole, number>();

/** The process's pool of a role, opened when there is none. */
export function poolOf<T extends Pool>(role: DatabaseRole, open: (role: DatabaseRole) => T): T {
  let pool = pools.get(role) as T | undefined;
  if (pool === undefined) {
    pool = open(role);
    pools.set(role, pool);
  }
  return pool;
}

/** Drops a pool whose connections may be hung; the next `poolOf` opens another. */
export function dropPool(role: DatabaseRole): void {
  retire(role, 0);
}

/** Which of a role's pools it is that `poolOf` gives now, for `replacePool` later. */
export const generationOf = (role: DatabaseRole): number => retired.get(role) ?? 0;

/**
 * Replaces a pool that has lost a connection or hung, and lets what runs on its others finish. The driver goes on with
 * the connection that was lost: what it had not sent and had been told then stays before the new session, which may never
 * begin (porsager/postgres issues 1193, 1208). Whoever shared a pool with the one that failed fails too, and later: that
 * is no reason to give up the pool that has taken its place, so only the pool of that generation is replaced.
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
