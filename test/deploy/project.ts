import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyOf } from '../drill/releases.ts';
import { run } from './command.ts';
import type { Emulator } from './emulator.ts';
import { paste } from './guide.ts';

/** A checkout of its own, with its own packages and history, in which commands of the pages may write. @returns its folder */
export async function makeProject(emulator: Emulator): Promise<string> {
  const folder = await copyOf(join(emulator.home, 'project'));
  await rm(join(folder, 'node_modules'));
  await paste(emulator, 'docs/deploy.md', 'npm ci', { folder });
  await git(emulator, folder, 'init', '--quiet', '--initial-branch', 'main');
  await commit(emulator, folder, 'A shop');
  return folder;
}

export const git = (emulator: Emulator, folder: string, ...args: string[]): Promise<string> =>
  run(emulator, 'git', args, { folder });

export async function commit(emulator: Emulator, folder: string, subject: string): Promise<void> {
  await git(emulator, folder, 'add', '--all');
  const author = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
  await git(emulator, folder, ...author, 'commit', '--quiet', '--message', subject);
}
