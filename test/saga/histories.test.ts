import { expect, test } from 'vitest';
import { playHistories } from '../histories/assert.ts';

const { HISTORY_COUNT = '60', HISTORY_SEED, HISTORY_PATH } = process.env;
const count = Number(HISTORY_COUNT);

test('orders end as the model says, whatever customers do and whichever deliveries fail', {
  timeout: 5 * 60_000 + count * 2000,
}, async () => {
  const seed = HISTORY_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(HISTORY_SEED);
  console.log(`${count} histories from seed ${seed}`);
  const failure = await playHistories({ count, seed, path: HISTORY_PATH, say: (line) => console.log(line) });
  expect(failure).toBeUndefined();
});
