import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess, findProcess, isAlive } from './processes.ts';

/** Stops the server that a killed supervisor left on a data folder. */
export async function stopOrphan(data: string, log: (line: string) => void): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const [first = '', ...rest] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const pid = Number(first);
  if (!(pid > 0) || !isAlive(pid)) return; // PostgreSQL sees to a stale file itself.
  const found = await findProcess(pid);
  if (!found?.command.includes(`postgres -D ${data} `)) {
    // A zombie, or someone else under the same number, for which PostgreSQL would give way. The rest of the file stays:
    // by it PostgreSQL finds out whether children of the dead server still hold its memory.
    await writeFile(file, [neverUsed, ...rest].join('\n'));
    return;
  }
  log('stopping the PostgreSQL that a killed run left behind');
  await endProcess(pid, [
    ['SIGINT', 1_500],
    ['SIGQUIT', 1_500],
    ['SIGKILL', 2_000],
  ]);
}

/** Beyond the highest pid of any system. */
const neverUsed = '2000000000';
