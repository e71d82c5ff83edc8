import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createGateway } from '../../infra/local/functions/gateway.ts';
import { boundedQueue, QueueFull } from '../../infra/local/functions/queue.ts';

/** Work that ends when its test says so. */
function controlled() {
  const begun: (() => void)[] = [];
  const work = () => new Promise<void>((resolve) => begun.push(resolve));
  return { begun, work };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('runs as many at once as it says, the others in the order in which they came', async () => {
  const queue = boundedQueue({ atOnce: 2, mostWaiting: 10, holdMs: 60_000 });
  const ended: number[] = [];
  const { begun, work } = controlled();
  const all = [0, 1, 2, 3].map((i) => queue(work).then(() => ended.push(i)));
  await turn();
  expect(begun).toHaveLength(2);
  begun[1]!();
  await turn();
  expect(begun).toHaveLength(3);
  begun[2]!();
  await turn();
  begun[0]!();
  begun[3]!();
  await Promise.all(all);
  expect(ended.slice(0, 2)).toEqual([1, 2]);
});

test('refuses what exceeds it, and takes work again once there is room', async () => {
  const queue = boundedQueue({ atOnce: 1, mostWaiting: 1, holdMs: 60_000 });
  const { begun, work } = controlled();
  const first = queue(work);
  const second = queue(work);
  await expect(queue(work)).rejects.toBeInstanceOf(QueueFull);
  begun[0]!();
  await first;
  await turn();
  begun[1]!();
  await second;
  await expect(queue(async () => 'done')).resolves.toBe('done');
});

test('work that lasts makes room, and gives it up only once', async () => {
  const queue = boundedQueue({ atOnce: 1, mostWaiting: 10, holdMs: 20 });
  const { begun, work } = controlled();
  const lasting = queue(work);
  await queue(async () => {});
  begun[0]!();
  await lasting;
  const next = queue(work);
  void queue(work);
  await turn();
  expect(begun).toHaveLength(2);
  begun[1]!();
  await next;
});

test('work that fails makes room too', async () => {
  const queue = boundedQueue({ atOnce: 1, mostWaiting: 10, holdMs: 60_000 });
  await expect(queue(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(queue(async () => 'done')).resolves.toBe('done');
});

test('a gateway whose queue is full answers 503 and when to come again', async () => {
  const gateway = createGateway(
    [{ method: 'GET', path: '/busy' }],
    () => Promise.reject(new QueueFull()),
    () => {},
  );
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  try {
    const answer = await fetch(`http://127.0.0.1:${(gateway.address() as AddressInfo).port}/busy`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await answer.json()).toMatchObject({ code: 'unavailable', status: 503 });
  } finally {
    gateway.close();
  }
});
