import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Emulator } from './emulator.ts';

const root = resolve(import.meta.dirname, '../..');
/** For a command that hangs, as one does that waits for a function that the emulator cannot start. */
const hangMs = 15 * 60_000;

/** A command ended with another code than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly output: string;

  constructor(command: string, code: number | NodeJS.Signals, output: string) {
    super(`${command} ended with ${code}:\n${output.slice(-3000)}`);
    this.output = output;
  }
}

/**
 * Runs a command line of this project as somebody with the account would. Its output is added to `commands.log`.
 * @param more variables of its environment, and `folder`, where it runs
 * @returns what it printed
 * @throws CommandFailed
 */
export async function run(
  { environment, home }: Emulator,
  command: string,
  args: string[],
  { folder = root, ...more }: Record<string, string> & { folder?: string } = {},
): Promise<string> {
  const { AWS_PROFILE, ...inherited } = process.env;
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...inherited, ...environment, CI: '1', CDK_DISABLE_VERSION_CHECK: '1', ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: hangMs,
  });
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const line = [command, ...args].join(' ');
  await appendFile(join(home, 'commands.log'), `$ ${line}\n${output}\n`);
  if (code !== 0) throw new CommandFailed(line, code ?? signal ?? 1, output);
  return output;
}

/** CDK's command line. */
export const cdk = (emulator: Emulator, ...args: string[]): Promise<string> =>
  run(emulator, 'npx', ['--no-install', 'cdk', ...args]);
