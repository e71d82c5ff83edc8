import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Whether this machine lets programs be kept on processors of their own. */
export const canSeparate = (): boolean => {
  if (process.platform !== 'linux' || availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['--version']);
    return true;
  } catch {
    return false; // It has no taskset.
  }
};

/** Keeps a process and what it has started on the second processor, and everything else of this program on the first. */
export function separate(pid: number): void {
  const parents = parentsOf();
  for (const each of familyOf(process.pid, parents)) keepOn('0', each);
  for (const each of familyOf(pid, parents)) keepOn('1', each);
}

/** Lets all of this program run on every processor. */
export function unite(): void {
  for (const each of familyOf(process.pid, parentsOf())) keepOn(`0-${availableParallelism() - 1}`, each);
}

function keepOn(processors: string, pid: number): void {
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', processors, String(pid)], { stdio: 'ignore' });
  } catch {
    // It has ended meanwhile.
  }
}

function familyOf(pid: number, parents: ReadonlyMap<number, number>): number[] {
  const children = [...parents].filter(([, parent]) => parent === pid).map(([child]) => child);
  return [pid, ...children.flatMap((child) => familyOf(child, parents))];
}

/** The parent of each process of this machine. */
function parentsOf(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The name in brackets may contain spaces. After it come the state and the parent.
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  return parents;
}
