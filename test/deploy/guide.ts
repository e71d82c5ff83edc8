import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { run } from './command.ts';
import type { Emulator } from './emulator.ts';

const page = resolve(import.meta.dirname, '../../docs/deploy.md');

/** The shell blocks between two marks of docs/deploy.md. @throws Error when there are none */
export async function commandsOf(part: string): Promise<string[]> {
  const [, text = ''] =
    new RegExp(`<!-- ${part} -->([\\s\\S]*?)<!-- end of ${part} -->`).exec(await readFile(page, 'utf8')) ?? [];
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
  if (blocks.length === 0) throw new Error(`docs/deploy.md has no commands in its part ${part}`);
  return blocks;
}

/** Runs blocks of the page as one shell would into which they are pasted unchanged. It stops at the first that fails. */
export const paste = async (emulator: Emulator, blocks: string[]): Promise<string> =>
  run(emulator, 'bash', ['-euo', 'pipefail', '-c', blocks.join('\n')]);
