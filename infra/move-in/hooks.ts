import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MoveInRefused } from './errors.ts';

/** What a shop's own commands do at a cut-over. Each runs in a shell and says by its exit code whether it worked. */
export type Hooks = {
  /** Closes the old shop: nobody buys there any more. */
  freeze: string | undefined;
  /** Writes the files of the closed shop. */
  export: string | undefined;
  /** Sends customers here. */
  switch: string | undefined;
  /** Opens the old shop again. */
  thaw: string | undefined;
};

/**
 * Runs a command of the operator. What it prints is shown.
 * @throws MoveInRefused when it fails
 */
export async function runHook(name: keyof Hooks, command: string, folder: string): Promise<void> {
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, MOVE_IN_FOLDER: folder },
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (code !== 0) throw new MoveInRefused(`The command of --${name} ended with ${code ?? signal}.`);
}
