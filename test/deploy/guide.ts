import { join } from 'node:path';
import { run } from './command.ts';
import type { Emulator } from './emulator.ts';
import { commandsOf, type Page } from './page.ts';
import { type SceneName, whoRuns } from './page-commands.ts';

type How = {
  /** What stands in the place of a placeholder of the page, such as `…` or `<stage>`. */
  filled?: Record<string, string>;
  /** Shell lines after the command, by which its variables are seen. */
  after?: string;
  /** Answers `y` to each question, at a terminal. */
  confirm?: boolean;
  /** What is typed. */
  input?: string;
  /** Where it runs. */
  folder?: string;
  /** Variables that commands before it have set. */
  variables?: Record<string, string>;
};

const pasted = new WeakMap<Emulator, Set<string>>();

/**
 * Runs a command of a page as a shell would into which it is pasted, unchanged besides its placeholders. It stops at the first line
 * that fails.
 * @returns what it printed
 * @throws Error when the page has no such command, or a placeholder has nothing in its place
 * @throws CommandFailed
 */
export async function paste(
  emulator: Emulator,
  page: Page,
  name: string,
  { filled = {}, after = '', confirm = false, ...how }: How = {},
): Promise<string> {
  let text = commandsOf(page).get(name);
  if (text === undefined) throw new Error(`${page} has no command ${name}`);
  for (const [placeholder, value] of Object.entries(filled)) {
    if (!text.includes(placeholder)) throw new Error(`${name} has no ${placeholder}`);
    text = text.replaceAll(placeholder, () => value);
  }
  if (/…|<stage>|[XY]\.[YZ]/.test(text)) throw new Error(`${name} has a placeholder that nothing stands for: ${text}`);
  const names = pasted.get(emulator) ?? new Set();
  pasted.set(emulator, names.add(name));
  // What Node.js reads is a socket, which no command can open as /dev/stdout.
  const pipes = confirm ? '' : 'exec > >(cat) 2>&1\n';
  const shell = ['bash', '-euo', 'pipefail', '-c', `${pipes}${text}\n${after}`];
  const terminal = ['python', join(import.meta.dirname, 'terminal.py')];
  const [command, ...args] = confirm ? [...terminal, ...shell] : shell;
  return run(emulator, command!, args, how);
}

/** The commands that a scene should have run, by test/deploy/page-commands.ts, and has not. Two pages may have one command. */
export function notPasted(emulator: Emulator, scene: SceneName): string[] {
  const names = pasted.get(emulator) ?? new Set();
  return Object.entries(whoRuns).flatMap(([page, commands]) =>
    Object.entries(commands)
      .filter(([name, who]) => 'scene' in who && who.scene === scene && !names.has(name))
      .map(([name]) => `${page}: ${name}`),
  );
}
