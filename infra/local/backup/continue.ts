import { readSpool } from '../postgres/archive.ts';
import { findPlace } from '../postgres/place.ts';
import { openRepository } from './repository.ts';
import { takeBackup } from './take.ts';
import { ship } from './wal.ts';

/** The cluster that has taken over. */
type Primary = { dataDir: string; socketDir: string };

/**
 * After a failover: archives what the old primary had handed over, and takes a base backup of the new one, whose WAL is
 * another line. Does nothing where nobody makes backups.
 * @returns the backup, under way. Its error is for the log: the shop goes on without it.
 */
export async function continueBackups(
  spoolBefore: string,
  { dataDir, socketDir }: Primary,
  log: (line: string) => void,
): Promise<{ backup: Promise<void> }> {
  const spool = await readSpool(spoolBefore);
  if (spool === undefined) return { backup: Promise.resolve() };
  const say = (error: unknown) =>
    log(`after the failover, ${(error as Error).message} Make a new backup: npm run backup -- create`);
  await ship(spoolBefore).catch(say);
  const take = async () => {
    const repository = await openRepository(spool.repository, { keyFile: spool.keyFile });
    const connection = { host: socketDir, user: 'rdsadmin', database: 'postgres' };
    const { id } = await takeBackup(repository, { connection, place: await findPlace(dataDir) });
    log(`backup ${id} of the new primary is made, and its WAL is archived`);
  };
  return { backup: take().catch(say) };
}
