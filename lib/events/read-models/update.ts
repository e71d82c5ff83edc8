import type { Sql } from 'postgres';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Stopwatch } from '../../kernel/clock.ts';
import { readFeed } from '../feed.sql.ts';
import {
  type Generation,
  listGenerations,
  lockGeneration,
  moveTo,
  openGeneration,
  readLag,
  replaceLive,
} from './generations.sql.ts';
import { applyToOrderDetails, dropReplaced } from './order-details.sql.ts';

/** Each read model: how it applies events, and how it deletes what a generation held that was replaced. */
const models = { order_details: { apply: applyToOrderDetails, dropReplaced } };

export type ModelName = keyof typeof models;
export const modelNames = Object.keys(models) as ModelName[];

export type UpdateDeps = {
  sql: Sql;
  now: () => number;
  stopwatch: Stopwatch;
  /** No further page is read after so many milliseconds. */
  limitMs: number;
};

export type Updated = {
  /** Events that were applied, counted once for each generation. */
  applied: number;
  /** Age in seconds of the oldest event that a live read model lacks; 0 when it has all. */
  lag: number;
  /** Whether a rebuild is under way. */
  rebuilding: boolean;
  /** Time was up before everything was done: another run has to go on. */
  unfinished: boolean;
};

const pageSize = 500;
/** Rows that are deleted at once. */
const batch = 1000;

/**
 * Lets every read model follow the feed of events to its end: first the generation that is read, then the one that a rebuild
 * makes, which takes its place once it has come as far. Runs may overlap; each page is applied once, in a transaction with
 * the position, so a run that dies leaves nothing half done.
 */
export async function updateReadModels(deps: UpdateDeps): Promise<Updated> {
  const { sql, now, stopwatch, limitMs } = deps;
  const until = stopwatch.elapsed() + limitMs;
  const isTimeUp = () => stopwatch.elapsed() >= until;
  let applied = 0;
  for (const model of modelNames) {
    for (const generation of await listGenerations(sql, model)) {
      applied += await follow(sql, model, generation, isTimeUp);
      if (!generation.live && !isTimeUp()) await inTransaction(sql, (tx) => replaceLive(tx, model));
    }
    while (!isTimeUp() && (await models[model].dropReplaced(sql, batch)) > 0);
  }
  const left = await Promise.all(modelNames.map((model) => listGenerations(sql, model)));
  const lag = Math.max(...(await Promise.all(modelNames.map((model) => readLag(sql, model, now())))));
  return { applied, lag, rebuilding: left.some((each) => each.length > 1), unfinished: isTimeUp() };
}

/**
 * Begins a rebuild: an empty generation that follows the events from the first. One that is under way goes on.
 * @returns whether this call began it
 */
export const startRebuild = (sql: Sql, model: ModelName): Promise<boolean> => openGeneration(sql, model);

async function follow(
  sql: Sql,
  model: ModelName,
  { generation, position }: Generation,
  isTimeUp: () => boolean,
): Promise<number> {
  let applied = 0;
  let after: number | undefined = position;
  while (!isTimeUp()) {
    after ??= (await listGenerations(sql, model)).find((each) => each.generation === generation)?.position;
    if (after === undefined) return applied;
    const from: number = after;
    const page = await readFeed(sql, { after: from, limit: pageSize });
    if (page.next === from) return applied;
    const done = await inTransaction(sql, async (tx) => {
      // Another run may have applied the page meanwhile.
      if ((await lockGeneration(tx, model, generation)) !== from) return false;
      await models[model].apply(tx, generation, page.data);
      await moveTo(tx, model, generation, page.next);
      return true;
    });
    if (done) applied += page.data.length;
    if (done && !page.hasMore) return applied;
    after = done ? page.next : undefined;
  }
  return applied;
}
