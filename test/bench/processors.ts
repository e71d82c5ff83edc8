import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { familyOf, readProcesses } from './processor-time.ts';

// Of all of this program: fewer once it is kept on some of them.
const processors = availableParallelism();

/** Whether this machine lets programs be kept on processors of their own. */
export const canSeparate = (): boolean => {
  if (process.platform !== 'linux' || processors < 2) return false;
  try {
    execFileSync('taskset', ['--version']);
    return true;
  } catch {
    return false; // It has no taskset.
  }
};

/** Keeps a process and what it has started on the second processor, and everything else of this program on the first. */
export async function separate(pid: number): Promise<void> {
  const all = await readProcesses();
  for (const each of familyOf(all, [process.pid], [pid])) keepOn('0', each);
  for (const each of familyOf(all, [pid])) keepOn('1', each);
}

/** Lets all of this program run on every processor. */
export async function unite(): Promise<void> {
  for (const each of familyOf(await readProcesses(), [process.pid])) keepOn(`0-${processors - 1}`, each);
}

function keepOn(some: string, pid: number): void {
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', some, String(pid)], { stdio: 'ignore' });
  } catch {
    // It has ended meanwhile.
  }
}
