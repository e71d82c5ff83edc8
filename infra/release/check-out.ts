import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Checks a tag or a commit out into a folder of its own, with the packages that it asks for.
 * @throws Error when git does not know it, or its packages cannot be installed
 */
export async function checkOut(ref: string): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = join(await mkdtemp(join(tmpdir(), 'counterfoil-release-')), 'release');
  const remove = async () => {
    await run('git', ['worktree', 'remove', '--force', folder]).catch(() => undefined);
    await rm(join(folder, '..'), { recursive: true, force: true });
  };
  try {
    await run('git', ['worktree', 'add', '--detach', folder, ref]);
    await run('npm', ['ci', '--silent'], { cwd: folder, maxBuffer: 1 << 26 });
  } catch (error) {
    await remove();
    throw new Error(`${ref} cannot be checked out: ${(error as Error).message}`, { cause: error });
  }
  return { folder, remove };
}
