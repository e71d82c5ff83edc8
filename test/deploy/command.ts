import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Emulator } from './emulator.ts';

const root = resolve(import.meta.dirname, '../..');
/** Of a command that waits for a function that the emulator cannot start, in milliseconds. */
const usualHang = 15 * 60_000;

/** Each runs in a group of its own with all that it starts, and none outlives the run. */
const groups = new Set<number>();
const endGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
};
process.on('exit', () => groups.forEach(endGroup));

/** A command ended with another code than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly output: string;

  constructor(command: string, code: number | NodeJS.Signals, output: string) {
    super(`${command} ended with ${code}:\n${output.slice(-3000)}`);
    this.output = output;
  }
}

type How = {
  /** Where it runs. */
  folder?: string;
  /** What is typed. */
  input?: string;
  /** Variables of its environment, besides those of the account. */
  variables?: Record<string, string>;
  /** After how many milliseconds it hangs, and is ended. */
  hangMs?: number;
};

/**
 * Runs a command line of this project as somebody with the account would. Its output is added to `commands.log`.
 * @returns what it printed
 * @throws CommandFailed
 */
export async function run(
  { environment, home }: Emulator,
  command: string,
  args: string[],
  { folder = root, input = '', variables = {}, hangMs = usualHang }: How = {},
): Promise<string> {
  const { AWS_PROFILE, ...inherited } = process.env;
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...inherited, ...environment, CI: '1', CDK_DISABLE_VERSION_CHECK: '1', ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  await once(child, 'spawn');
  groups.add(child.pid!);
  const patience = setTimeout(endGroup, hangMs, child.pid!);
  // It need not read what is typed.
  child.stdin.on('error', () => undefined).end(input);
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(patience);
  groups.delete(child.pid!);
  const line = [command, ...args].join(' ');
  await appendFile(join(home, 'commands.log'), `$ ${line}\n${output}\n`);
  if (code !== 0) throw new CommandFailed(line, code ?? signal ?? 1, output);
  return output;
}

/** CDK's command line. */
export const cdk = (emulator: Emulator, ...args: string[]): Promise<string> =>
  run(emulator, 'npx', ['--no-install', 'cdk', ...args]);
