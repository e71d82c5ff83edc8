import type { DatabaseRole } from '../contract/roles.ts';

type Pool = { end(options: { timeout: number }): Promise<void> };

// Apart from sql.ts, so that a door without a database can share the entry's code and not carry the driver.
const pools = new Map<DatabaseRole, Pool>();

/** The process's pool of a role, opened when there is none. */
export function poolOf<T extends Pool>(role: DatabaseRole, open: (role: DatabaseRole) => T): T {
  let pool = pools.get(role) as T | undefined;
  if (pool === undefined) {
    pool = open(role);
    pools.set(role, pool);
  }
  return pool;
}

/** Drops a pool whose connections may be hung; the next `sqlAs` connects anew. */
export function dropPool(role: DatabaseRole): void {
  const pool = pools.get(role);
  pools.delete(role);
  pool?.end({ timeout: 0 }).catch(() => {});
}
