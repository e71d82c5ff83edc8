import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres, { type Sql } from 'postgres';
import { type Demo, prepareDemo } from '../demo.ts';
import { writeEnvironment } from '../environment.ts';
import { resetStack, type Stack, startStack } from '../stack.ts';
import type { Lab, Shop } from './lab.ts';

/** A lab that has begun. */
export type Running = {
  baseUrl: string;
  demo: Demo;
  /** What the doctor finds now in what the lab has broken; undefined once it is healed. */
  symptoms(): Promise<string | undefined>;
  /** Stops the shop's stack, if it runs. */
  stop(): Promise<void>;
  /** Starts the stack again, with settings that replace those that it had. */
  start(settings: Record<string, string>): Promise<void>;
  /** Takes the fault away, and stops everything. */
  end(): Promise<void>;
};

const doctor = new URL('../doctor/cli.ts', import.meta.url).pathname;

/** Starts a shop of its own in a folder, whose content is deleted, and breaks it. */
export async function startLab(lab: Lab, directory: string, port: number): Promise<Running> {
  await resetStack(directory);
  let settings: Record<string, string> = { PAYMENT_TIMEOUT_MS: '200', ...lab.settings };
  let stack: Stack | undefined;
  const start = async (chosen: Record<string, string>): Promise<Stack> => {
    if (stack !== undefined) return stack;
    settings = { ...settings, ...chosen };
    const postgresSettings = { shared_preload_libraries: 'pg_stat_statements' };
    stack = await startStack({ directory, port, settings, postgresSettings, waitScale: 0.1 });
    await writeEnvironment(directory, stack.inside.env);
    return stack;
  };
  const stop = async (): Promise<void> => {
    const stopped = stack;
    stack = undefined;
    await stopped?.stop();
  };
  const running = (): Stack => {
    if (stack === undefined) throw new Error('The shop does not run.');
    return stack;
  };
  try {
    const demo = await prepareDemo(await start({}), directory);
    const session = (): Sql =>
      postgres({
        host: join(running().inside.socketPath, '..'),
        user: 'migrator',
        database: 'counterfoil',
        max: 1,
        connection: { application_name: 'lab' },
        onnotice: () => {},
      });
    const restart: Shop['restart'] = async (between) => {
      await stop();
      await between();
      await prepareDemo(await start({}), directory);
    };
    const giveUp = await lab.breakShop({ directory, demo, stack: running, restart, session });
    return {
      baseUrl: running().baseUrl,
      demo,
      symptoms: () => examine(directory, lab.checks),
      stop,
      async start(chosen) {
        await prepareDemo(await start(chosen), directory);
      },
      async end() {
        await giveUp().catch(() => {});
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** By a process of its own: what it reads of the stack changes when that starts again. */
async function examine(directory: string, checks: readonly string[]): Promise<string | undefined> {
  const { PATH } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [doctor, '--directory', directory, ...checks], {
    env: { PATH },
  }).catch((error: { stdout: string }) => error);
  return /^All \d+ checks are well\.$/m.test(stdout) ? undefined : stdout;
}
