import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { leanStart } from '../../infra/bundle/lean-start.ts';

/** Where a step's own process finds its database, its provider and the state machine. */
export type StageContext = {
  databaseHost: string;
  databaseName: string;
  dynamoEndpoint: string;
  statesEndpoint: string;
};

export type Task = {
  step: string;
  payload: unknown;
  sabotage: string | undefined;
  /** Milliseconds that its clock is ahead of the machine's. */
  ahead: number;
};

/** The process in which a step ran was killed, as Lambda reports it. */
class RuntimeExitError extends Error {
  override readonly name = 'Runtime.ExitError';
}

/** Runs steps in processes of their own, bundled as on Lambda, and kills each between the step's effect and its answer. */
export async function startHosts(context: StageContext) {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-host-'));
  const bundle = join(folder, 'host.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./host.ts', import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    plugins: [leanStart()],
    logLevel: 'error',
  });
  const prepare = (): ChildProcess => {
    const child = fork(bundle, [JSON.stringify(context)], { execArgv: [] });
    child.once('error', () => {});
    return child;
  };
  // One is always starting, so that a case seldom waits for it.
  let spare: ChildProcess | undefined;
  let broken: Error | undefined;

  return {
    /** @throws RuntimeExitError always */
    async runAndKill(task: Task): Promise<never> {
      const child = spare ?? prepare();
      spare = prepare();
      const exited = once(child, 'exit');
      child.send(task);
      const outcome = await Promise.race([once(child, 'message'), exited.then(() => undefined)]);
      if (outcome === undefined) {
        broken = new Error(`the process of ${task.step} ended before its effect`);
        throw broken;
      }
      child.kill('SIGKILL');
      await exited;
      throw new RuntimeExitError('Error: Runtime exited with error: signal: killed');
    },
    /** @throws Error if a process ended by itself: the saga takes that for another fault, so no case fails by it */
    async stop() {
      if (spare !== undefined && spare.exitCode === null) {
        const exited = once(spare, 'exit');
        spare.kill('SIGKILL');
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
      if (broken !== undefined) throw broken;
    },
  };
}
