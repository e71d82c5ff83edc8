import { expect, test } from 'vitest';
import { executionName } from '../../lib/saga/execution-name.ts';

const orderId = 'ord_1';

test.each([
  [{ intent: 'place' }, 'ord_1'],
  [{ intent: 'cancel' }, 'ord_1-cancel'],
  [{ intent: 'refund-orphaned-charge' }, 'ord_1-orphaned-charge'],
  [{ intent: 'compensation', attempt: 2 }, 'ord_1-compensation-2'],
  [{ intent: 'refund', part: { id: 'ref_1', amount: 500, attempt: 3 } }, 'ref_1-3'],
] as const)('the execution for %o is called %s', (of, name) => {
  expect(executionName({ orderId, ...of })).toBe(name);
});

test('a refund of nothing has none', () => {
  expect(() => executionName({ orderId, intent: 'refund' })).toThrow('a refund of nothing has no execution');
});
