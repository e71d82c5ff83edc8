import { parentPort } from 'node:worker_threads';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { copier, type OrderRows } from './limit-rows.ts';

/*
 * The thread that writes orders' rows as fast as it can, as the product's functions have a thread of their own. Told a
 * task by a message, it answers with what came of it.
 */

export type WriterTask = { template: OrderRows; productIds: string[]; writers: number; seconds: number };
export type WriterOutcome = { perSecond: number } | { failure: string };

const port = parentPort!;
port.on('message', (task: WriterTask | 'end') => {
  void take(task);
});

async function take(task: WriterTask | 'end'): Promise<void> {
  const sql = sqlAs('migrator');
  if (task === 'end') {
    await sql.end();
    port.close();
    return;
  }
  const outcome = await write(sql, task).catch((error: unknown): WriterOutcome => ({ failure: String(error) }));
  port.postMessage(outcome);
}

async function write(sql: Sql, { template, productIds, writers, seconds }: WriterTask): Promise<WriterOutcome> {
  const copy = copier(template);
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  let written = 0;
  const writer = async () => {
    while (performance.now() < until) {
      await insertAll(sql, copy(productIds[Math.floor(Math.random() * productIds.length)]!));
      written++;
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return { perSecond: written / ((performance.now() - startedAt) / 1000) };
}

/** Every row of an order in one statement, which is one transaction. */
async function insertAll(sql: Sql, rows: OrderRows): Promise<void> {
  const inserts = Object.entries(rows).map(
    ([table, each], i) => sql`${i === 0 ? sql`` : sql`,`} ${sql(`t${i}`)} as (insert into ${sql(table)} ${sql(each)})`,
  );
  await sql`with ${inserts} select 1`;
}
