import { writeFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';

/** Statements of people and of loads may take minutes; reports of the API end after seconds. */
const patient = ['analyst', 'warehouse'];
const everyMs = 250;

/**
 * Gives the processors to everything else before a reader's sessions of people and of loads. A laptop's reader shares them with the
 * writer; on AWS it has its own.
 * @param folder of the server's socket
 * @param ended resolves when the server has ended
 */
export async function lowerPriorities(folder: string, ended: Promise<unknown>): Promise<void> {
  const sql = postgres({ host: folder, user: 'rdsadmin', database: 'postgres', max: 1, onnotice: () => {} });
  let over = false;
  const end = ended.then(() => {
    over = true;
  });
  let lowered = new Set<number>();
  while (!over) {
    const rows = await sql<{ pid: number }[]>`
      select pid from pg_stat_activity where usename = any(${patient})`.catch(() => []);
    const low = await Promise.all(rows.map(async ({ pid }) => (lowered.has(pid) || (await lower(pid)) ? [pid] : [])));
    lowered = new Set(low.flat());
    await Promise.race([sleep(everyMs, undefined, { ref: false }), end]);
  }
  await sql.end({ timeout: 1 });
}

/** @returns whether it worked */
async function lower(pid: number): Promise<boolean> {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
    // Linux shares processors between sessions first, and each backend of PostgreSQL has one of its own.
    if (process.platform === 'linux')
      await writeFile(`/proc/${pid}/autogroup`, String(constants.priority.PRIORITY_LOW)).catch(ignoreMissing);
    return true;
  } catch {
    return false; // It has ended, or the kernel asks for patience.
  }
}

/** A kernel without such groups has no such file. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
