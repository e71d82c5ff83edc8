import { existsSync } from 'node:fs';

const everyMs = 1000;

/** Loaded when there is a spool: a stack without backups starts sooner without it. */
async function ship(folder: string): Promise<void> {
  if (existsSync(folder)) await (await import('./wal.ts')).ship(folder);
}

/**
 * Moves WAL segments from the spool into the backups' repository while the stack runs. It does nothing until somebody makes
 * a backup. What cannot be moved stays in the spool, and is said once.
 * @param folderOf the spool of the cluster that takes writes now
 */
export function startShipper(folderOf: () => string, log: (line: string) => void): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let said = '';
  let running: Promise<void> = Promise.resolve();
  const run = async () => {
    try {
      await ship(folderOf());
      said = '';
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== said) log(`the WAL waits to be archived: ${reason}`);
      said = reason;
    }
    if (!stopped) next();
  };
  const next = () => {
    timer = setTimeout(() => {
      running = run();
    }, everyMs);
    timer.unref();
  };
  next();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      await ship(folderOf()).catch(() => {});
    },
  };
}
