import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths of unix sockets are below it, and may have about a hundred bytes. */
const longest = 40;

/**
 * Gives this process and those that it starts a folder of its own for temporary files, and removes that with all that they left when this
 * process ends.
 */
export function useTempRoot(): void {
  const parent = tmpdir().length < longest ? tmpdir() : '/tmp';
  const root = mkdtempSync(join(parent, 'counterfoil-'));
  // PostgreSQL runs as another user where tests run as root.
  chmodSync(root, 0o711);
  process.env.TMPDIR = root;
  process.on('exit', () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
}
