import { expect, test } from 'vitest';
import { includeParts } from '../../lib/http/include.ts';
import { withDeadline } from '../../lib/kernel/deadline.ts';

const never = () => new Promise<never>(() => {});

test('rooms are asked at the same time, each with all that is left of the answer’s time', async () => {
  const asked: [string, number][] = [];
  const both = Promise.withResolvers<void>();
  const room = (name: string) => async (milliseconds: number) => {
    asked.push([name, milliseconds]);
    if (asked.length === 2) both.resolve();
    await both.promise;
    return name;
  };
  const rooms = { customer: room('Ada'), products: room('Teapot') };
  const result = await includeParts(rooms, { until: 1500, elapsed: () => 900, onMissing: () => {} });
  expect(asked).toEqual([
    ['Ada', 600],
    ['Teapot', 600],
  ]);
  expect(result).toEqual({ included: { customer: 'Ada', products: 'Teapot' }, missing: [] });
});

test('what is too slow or fails is null, and named in the same order whichever fails first', async () => {
  const seen: unknown[] = [];
  const rooms = {
    products: async () => {
      throw new Error('down');
    },
    customer: (milliseconds: number) => withDeadline(never(), milliseconds),
    orders: async () => 'there',
  };
  const onMissing = ({ part }: { part: string }, error: unknown) => seen.push([part, String(error)]);
  expect(await includeParts(rooms, { until: 20, elapsed: () => 0, onMissing })).toEqual({
    included: { products: null, customer: null, orders: 'there' },
    missing: [
      { part: 'customer', reason: 'timed-out' },
      { part: 'products', reason: 'unavailable' },
    ],
  });
  expect(seen).toEqual([
    ['products', 'Error: down'],
    ['customer', 'DeadlineExceeded: no answer within 20 ms'],
  ]);
});

test('when no time is left, no room is asked', async () => {
  let asked = 0;
  const rooms = { customer: async () => asked++ };
  for (const elapsed of [1000, 1001]) {
    expect(await includeParts(rooms, { until: 1000, elapsed: () => elapsed, onMissing: () => {} })).toEqual({
      included: { customer: null },
      missing: [{ part: 'customer', reason: 'timed-out' }],
    });
  }
  expect(asked).toBe(0);
});
