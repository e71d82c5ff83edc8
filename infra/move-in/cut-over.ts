import type { Sql } from '../../lib/platform/sql.ts';
import { beginCutOver, endCutOver, type StepTime, whileAlive } from './cut-overs.ts';
import { MoveInRefused } from './errors.ts';
import { type Hooks, runHook } from './hooks.ts';
import { loadShop } from './load.ts';
import type { Loading } from './loading.ts';
import type { Source } from './read-rows.ts';
import { type Verification, verifyShop } from './verify.ts';

export type CutOverOptions = Pick<Loading, 'sql' | 'mapping' | 'clock' | 'onBatch'> & {
  /** Reads what the old shop has now. */
  open: () => Promise<readonly Source[]>;
  folder: string;
  out: string;
  samples: number;
  hooks: Hooks;
  /** Loads and verifies, and neither closes the old shop nor sends anybody here. */
  rehearse: boolean;
  /** Gives up before the switch once the old shop has been closed for so many seconds. */
  within: number | undefined;
  /** Differences that are known and accepted. */
  allow: number;
  onStep: (time: StepTime) => void;
};
export type CutOverResult = { steps: StepTime[]; closedSeconds: number; verification: Verification };

/**
 * Closes the old shop, loads what changed last, verifies, and sends customers here. Whatever fails before customers are sent here
 * opens the old shop again. A rehearsal takes the time that it would be closed.
 * @throws MoveInRefused saying why, once the old shop is open again
 */
export async function cutOver(options: CutOverOptions): Promise<CutOverResult> {
  const { sql, clock, mapping, rehearse, hooks, folder } = options;
  const key = await beginCutOver(sql, { source: mapping.source, rehearse, clock });
  const beganAt = performance.now();
  const seconds = () => Math.round(performance.now() - beganAt) / 1000;
  const steps: StepTime[] = [];
  const end = (state: 'rehearsed' | 'failed' | 'switched', reason?: string) =>
    endCutOver(sql, key, {
      state,
      steps,
      closedSeconds: seconds(),
      at: new Date(clock.now()),
      ...(reason === undefined ? {} : { reason }),
    });
  return whileAlive(sql, key, clock, async () => {
    try {
      const verification = await close(options, { steps, seconds });
      if (rehearse) await end('rehearsed');
      else {
        // Noted first: from the first customer here on, no load may write over what changes.
        await end('switched');
        await timed(options, steps, 'switch', async () => {
          if (hooks.switch !== undefined) await runHook('switch', hooks.switch, folder);
        });
      }
      return { steps, closedSeconds: seconds(), verification };
    } catch (error) {
      const reason = error instanceof MoveInRefused ? error.message : 'It ended with an error.';
      await reopen(options, sql, key, reason, end);
      throw error;
    }
  });
}

/** Everything before the switch. */
async function close(
  options: CutOverOptions,
  { steps, seconds }: { steps: StepTime[]; seconds: () => number },
): Promise<Verification> {
  const { rehearse, hooks, folder, within, allow, open, out, samples, ...loading } = options;
  const step = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (within !== undefined && seconds() > within)
      throw new MoveInRefused(
        `The old shop has been closed for ${Math.round(seconds())} of ${within} seconds, before ${name}.`,
      );
    return timed(options, steps, name, work);
  };
  for (const name of ['freeze', 'export'] as const) {
    const command = hooks[name];
    if (command !== undefined && !rehearse) await step(name, () => runHook(name, command, folder));
  }
  const sources = await open();
  const before = await fingerprints(sources);
  await step('load', () => loadShop({ ...loading, sources, out }));
  const verification = await step('verify', () => verifyShop({ ...loading, sources, samples }));
  const { differences } = verification;
  if (differences.length > allow) {
    const few = differences.slice(0, 5).map(({ kind, id, what }) => `${kind} ${id} ${what}`);
    throw new MoveInRefused(
      `Verify found ${differences.length} differences, such as: ${few.join('; ')}. Run verify to see all of them.`,
    );
  }
  await step('look again', async () => {
    if ((await fingerprints(await open())) !== before && !rehearse)
      throw new MoveInRefused('The old shop has changed since it was loaded: it is not closed.');
  });
  return verification;
}

const fingerprints = async (sources: readonly Source[]): Promise<string> =>
  JSON.stringify(await Promise.all(sources.map(async ({ kind, fingerprint }) => [kind, await fingerprint()])));

async function timed<T>(
  { onStep }: CutOverOptions,
  steps: StepTime[],
  step: string,
  work: () => Promise<T>,
): Promise<T> {
  const beganAt = performance.now();
  try {
    return await work();
  } finally {
    const time = { step, seconds: Math.round(performance.now() - beganAt) / 1000 };
    steps.push(time);
    onStep(time);
  }
}

/** Notes the failure, and opens the old shop again. */
async function reopen(
  { rehearse, hooks, folder }: CutOverOptions,
  sql: Sql,
  { source, startedAt }: { source: string; startedAt: Date },
  reason: string,
  end: (state: 'failed', reason: string) => Promise<void>,
): Promise<void> {
  // The switch itself failed: nobody was sent here.
  await sql`
    update archive.cut_overs set state = 'running', switched_at = null
    where source = ${source} and started_at = ${startedAt} and state = 'switched'`;
  await end('failed', reason);
  if (!rehearse && hooks.thaw !== undefined) await runHook('thaw', hooks.thaw, folder);
}

/** @throws MoveInRefused unless the command line says how the old shop is closed and opened, and how customers come here */
export function checkHooks(hooks: Hooks, { frozen, rehearse }: { frozen: boolean; rehearse: boolean }): void {
  if (rehearse) return;
  if (hooks.freeze === undefined && !frozen)
    throw new MoveInRefused('Give --freeze COMMAND, which closes the old shop, or close it and say --frozen.');
  if (hooks.freeze !== undefined && hooks.thaw === undefined)
    throw new MoveInRefused('Give --thaw COMMAND too, which opens the old shop again if the cut-over fails.');
}
