import { hrtime } from 'node:process';
import type { Context } from 'aws-lambda';
import { cacheLimits } from '../../lib/kernel/cache-store.ts';
import { useAccessSink } from '../../lib/platform/access-log.ts';
import { cacheTimeouts } from '../../lib/platform/cache.dynamo.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import type { FromReader, Reading, ToReader } from './catalog-readers.ts';
import { httpEvent } from './events.ts';

/*
 * A process that reads the catalogue by the handlers, as an environment of Lambda does, but many at a time. It is told what
 * to read by messages.
 */

const say = (message: FromReader): void => void process.send?.(message);
/** Of all processes on this machine, in milliseconds. */
const monotonic = (): number => Number(hrtime.bigint()) / 1e6;

const [{ handler: getProduct }, { handler: listProducts }] = await Promise.all([
  import('../../functions/http/get-product.ts'),
  import('../../functions/http/list-products.ts'),
]);

/** What the handlers' metrics say of the cache. */
const answers: Record<string, number> = {};
console.log = (line: unknown) => {
  const { from, CacheReads } = JSON.parse(String(line));
  for (const value of CacheReads === undefined ? [] : [CacheReads].flat()) answers[from] = (answers[from] ?? 0) + value;
};
useAccessSink(() => {});
const { READER_PATIENCE, READER_LEASE } = process.env;
if (READER_PATIENCE !== undefined) {
  cacheTimeouts.call = Number(READER_PATIENCE);
  cacheLimits.patience = Number(READER_PATIENCE);
}
if (READER_LEASE !== undefined) cacheLimits.lease = Number(READER_LEASE);

let looping = false;

async function readOnce({ productId, clientId, what }: Extract<ToReader, { kind: 'loop' }>): Promise<Reading> {
  const list = what === 'list' || (what === 'both' && Math.random() < 0.5);
  const headers = { 'client-id': clientId };
  const startedAt = monotonic();
  const event = list
    ? httpEvent({ method: 'GET', path: '/products', headers })
    : httpEvent({ method: 'GET', path: '/products/{productId}', parameters: { productId }, headers });
  const { statusCode, body } = await (list ? listProducts : getProduct)(event, {} as Context);
  const parsed = JSON.parse(body ?? '');
  const product = list ? parsed.data?.find(({ id }: { id: string }) => id === productId) : parsed;
  return { startedAt, status: statusCode ?? 0, version: product?.version, amount: product?.price?.amount };
}

async function loop(task: Extract<ToReader, { kind: 'loop' }>): Promise<void> {
  const readings: Reading[] = [];
  looping = true;
  const reader = async () => {
    // A reader of a crowd reads once.
    do readings.push(await readOnce(task));
    while (looping && !task.once);
  };
  await Promise.all(Array.from({ length: task.readers }, reader));
  say({ kind: 'read', readings, answers: { ...answers } });
  for (const from of Object.keys(answers)) delete answers[from];
}

process.on('message', (message: ToReader) => {
  if (message.kind === 'stop') looping = false;
  if (message.kind === 'loop') loop(message).catch((error: unknown) => say({ kind: 'failed', error: String(error) }));
  if (message.kind === 'end')
    void sqlAs('catalog_reader')
      .end({ timeout: 1 })
      .finally(() => process.exit(0));
});
say({ kind: 'ready' });
