import { type DatabaseRole, databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { dropPool } from '../../lib/platform/pools.ts';
import type { LiveHandlers } from './live-handlers.ts';

/**
 * Locks roles out of the handlers' database, and drops their connections. The owner of the database is not the one who logs
 * in, so the roles lose their right to connect; a clone of the database has no rights of its own.
 * @returns lets them in again
 */
export async function lockOut({ owner }: LiveHandlers, roles: readonly DatabaseRole[]): Promise<() => Promise<void>> {
  const [{ name }] = (await owner`select current_database() as name`) as unknown as [{ name: string }];
  const others = databaseRoles.filter((role) => !roles.includes(role));
  await owner.unsafe(`grant connect on database ${name} to ${others.join(', ')}`);
  await owner.unsafe(`revoke connect on database ${name} from public, ${roles.join(', ')}`);
  for (const role of roles) dropPool(role);
  return async () => {
    await owner.unsafe(`grant connect on database ${name} to ${roles.join(', ')}`);
  };
}
