import fc from 'fast-check';
import { newId } from '../../lib/kernel/ids.ts';
import { type Saga, startSaga } from '../support/saga.ts';
import { brokenPromises } from './check.ts';
import { history, mostCustomers } from './history.ts';
import { createPlayer } from './play.ts';

/** So many histories share a database; the next ones get a new one, so that none grows slow. */
const batch = 500;

export type Options = {
  count: number;
  seed: number;
  /** Of a failure that is to be seen again. */
  path?: string | undefined;
  /** Changes the saga before it is played on. */
  prepare?: (saga: Saga) => void;
  /** Looks for the smallest history that fails too. */
  shrink?: boolean;
  say?: (line: string) => void;
};

/**
 * Plays so many random histories.
 * @returns what the first failing one came to, shrunk to what is needed for it, and how to see it again; undefined when
 *   every one kept every promise
 */
export async function playHistories(options: Options): Promise<string | undefined> {
  const { count, seed, path, prepare = () => {}, shrink = true, say = () => {} } = options;
  const batches = Array.from({ length: path === undefined ? Math.ceil(count / batch) : 1 }, (_, i) => ({
    seed: seed + i,
    numRuns: Math.min(batch, count - i * batch),
  }));
  let failure: string | undefined;
  let played = 0;
  const lane = async () => {
    for (let one = batches.shift(); one !== undefined && failure === undefined; one = batches.shift()) {
      const outcome = await playBatch({ ...one, path, endOnFailure: !shrink }, { prepare, say });
      failure ??= outcome;
      played += one.numRuns;
      if (failure === undefined) say(`${played} of ${count} histories`);
    }
  };
  // While one batch waits for PostgreSQL, another one can go on.
  await Promise.all([lane(), lane()]);
  return failure;
}

type Parameters = { seed: number; numRuns: number; path: string | undefined; endOnFailure: boolean };
type Around = Required<Pick<Options, 'prepare' | 'say'>>;

async function playBatch({ seed, numRuns, path, endOnFailure }: Parameters, { prepare, say }: Around) {
  const saga = await startSaga();
  try {
    const customerIds = [];
    for (let i = 0; i < mostCustomers; i++) customerIds.push(await addCustomer(saga, i));
    const { play } = createPlayer(saga, customerIds);
    prepare(saga);
    let failed = false;
    const property = fc.asyncProperty(history, async (one) => {
      const broken = await brokenPromises(saga, await play(one));
      if (broken.length === 0) return;
      // Said before it is shrunk, which may take a while and ends in another failure now and then.
      if (!failed) say(`a history from seed ${seed} fails: ${broken.join('\n')}`);
      failed = true;
      throw new Error(broken.join('\n'));
    });
    const outcome = await fc.check(property, { seed, numRuns, endOnFailure, ...(path === undefined ? {} : { path }) });
    if (!outcome.failed) return undefined;
    const { counterexample, counterexamplePath, errorInstance } = outcome;
    return [
      `${errorInstance instanceof Error ? errorInstance.stack : errorInstance}`,
      JSON.stringify(counterexample?.[0], null, 1),
      `To see it again: npm run test:histories -- --seed ${seed} --path ${counterexamplePath}`,
    ].join('\n');
  } finally {
    await saga.stop();
  }
}

async function addCustomer({ owner, clock }: Saga, number: number): Promise<string> {
  const id = newId('customer', clock);
  await owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${id}, ${`buyer-${number}@example.com`}, 'Buyer', 'none', now(), now())`;
  return id;
}
