import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess, findProcess } from './processes.ts';

/** Stops the server that a killed supervisor left on a data folder, and removes a pid file that means someone else. */
export async function stopOrphan(data: string, log: (line: string) => void): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  const found = pid > 0 ? await findProcess(pid) : undefined;
  if (!found) return; // A pid file of nobody: PostgreSQL sees to it.
  if (!found.command.includes(`postgres -D ${data} `)) {
    await rm(file, { force: true });
    return;
  }
  log('stopping the PostgreSQL that a killed run left behind');
  await endProcess(pid, [
    ['SIGINT', 1_500],
    ['SIGQUIT', 1_500],
    ['SIGKILL', 2_000],
  ]);
}
