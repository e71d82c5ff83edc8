import { readdir, readFile } from 'node:fs/promises';

type Process = { parent: number; ticks: number };

/** Linux counts in hundredths of a second, whatever its clock. */
const millisecondsPerTick = 10;

/**
 * The processor time that processes and all their descendants have used, in milliseconds; undefined where the system does not
 * tell. Of processes that have ended only those count that their parent has waited for.
 * @param except processes that do not count, with their descendants
 */
export async function processorTime(
  roots: readonly number[],
  except: readonly number[] = [],
): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined;
  const all = await readProcesses();
  let ticks = 0;
  for (const pid of familyOf(all, roots, except)) ticks += all.get(pid)?.ticks ?? 0;
  return ticks * millisecondsPerTick;
}

/** Processes and all their descendants. */
export function familyOf(
  all: ReadonlyMap<number, Process>,
  roots: readonly number[],
  except: readonly number[] = [],
): Set<number> {
  const family = new Set(roots);
  for (let before = -1; before !== family.size; ) {
    before = family.size;
    for (const [pid, { parent }] of all) if (family.has(parent) && !except.includes(pid)) family.add(pid);
  }
  return family;
}

/** Every process of this machine, by its id. On Linux. */
export async function readProcesses(): Promise<Map<number, Process>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')));
  const all = new Map<number, Process>();
  for (const [n, line] of read.entries()) {
    if (line === '') continue; // It has ended meanwhile.
    // The name stands in parentheses and may hold any character, so fields count from behind it.
    const fields = line
      .slice(line.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent] = fields;
    all.set(Number(pids[n]), { parent: parent!, ticks: fields.slice(11, 15).reduce((sum, each) => sum + each, 0) });
  }
  return all;
}
