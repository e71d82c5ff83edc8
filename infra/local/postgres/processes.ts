import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isAlive } from '../../../lib/kernel/process.ts';

/** A live process. `startedAt` distinguishes it from a later process with the same pid. */
export type ProcessInfo = { startedAt: string; command: string };

/** The process with a pid, or undefined when there is none. */
export async function findProcess(pid: number): Promise<ProcessInfo | undefined> {
  if (!isAlive(pid)) return undefined;
  return process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid);
}

/** Sends each signal, with the milliseconds to wait for its effect, until the process ends. Returns whether it did. */
export async function endProcess(pid: number, signals: [NodeJS.Signals, number][]): Promise<boolean> {
  const started = (await findProcess(pid))?.startedAt;
  const gone = async () => (await findProcess(pid))?.startedAt !== started;
  for (const [signal, wait] of signals) {
    if (started === undefined || (await gone())) return true;
    process.kill(pid, signal);
    for (const end = Date.now() + wait; Date.now() < end; await sleep(5)) if (await gone()) return true;
  }
  return await gone();
}

async function fromProc(pid: number): Promise<ProcessInfo | undefined> {
  try {
    const [stat, command, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    ]);
    // The name in brackets may contain spaces. After it come the state and, 19 fields on, the start in ticks since
    // boot.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    return { startedAt: `${boot.trim()}/${fields[19]}`, command: command.replaceAll('\0', ' ').trim() };
  } catch {
    return undefined;
  }
}

async function fromPs(pid: number): Promise<ProcessInfo | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'lstart=,command=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
    });
    return { startedAt: stdout.slice(0, 24), command: stdout.slice(24).trim() };
  } catch {
    return undefined;
  }
}
