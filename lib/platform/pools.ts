import type { DatabaseRole } from '../contract/roles.ts';

type Pool = { end(options: { timeout: number }): Promise<void> };

const pools = new Map<DatabaseRole, Pool>();

/** The process's pool of a role, opened at the first call. Apart from `sql.ts`, so that who only drops a pool does not load the driver. */
export function poolOf<T extends Pool>(role: DatabaseRole, open: (role: DatabaseRole) => T): T {
  const pool = (pools.get(role) as T | undefined) ?? open(role);
  pools.set(role, pool);
  return pool;
}

/** Drops a pool whose connections may be hung; the next `sqlAs` connects anew. */
export function dropSql(role: DatabaseRole): void {
  const pool = pools.get(role);
  pools.delete(role);
  pool?.end({ timeout: 0 }).catch(() => {});
}
