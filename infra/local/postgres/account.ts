import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** An operating-system user to run PostgreSQL as. */
export type Account = { uid: number; gid: number };

/** The uid of this process; -1 where the system has none. */
export const ownUid = (): number => process.getuid?.() ?? -1;

/** `nobody` when this process is root, since PostgreSQL refuses to run as root; otherwise undefined: this user will do. */
export function unprivilegedAccount(): Account | undefined {
  if (ownUid() !== 0) return undefined;
  const nobody = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(readPasswd());
  // macOS writes -2, which the system calls take as an unsigned number.
  return nobody ? { uid: Number(nobody[1]) >>> 0, gid: Number(nobody[2]) >>> 0 } : { uid: 65534, gid: 65534 };
}

/** Whether an account may enter a folder and each folder above it, going by their permission bits. */
export async function canEnter(folder: string, account: Account): Promise<boolean> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const { mode, uid, gid } = await stat(at);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if (!(mode & bit)) return false;
    if (at === dirname(at)) return true;
  }
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}
