import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type OrderStatus, orderStatuses } from '../../lib/contract/api/orders.ts';
import { hasEnded, isAtRest, openStatuses, transitions } from '../../lib/shop/orders/transitions.ts';

/** Ways of an order until it has ended, or is put into manual review. */
const walk = fc.array(fc.nat(), { maxLength: 30 }).map((choices) => {
  const path: OrderStatus[] = ['pending'];
  for (const choice of choices) {
    const next = transitions[path.at(-1)!];
    if (next.length === 0 || path.at(-1) === 'needs_attention') break;
    path.push(next[choice % next.length]!);
  }
  return path;
});

describe('the state machine of an order', () => {
  test('whatever happens, an order visits no status twice', () => {
    fc.assert(
      fc.property(walk, (path) => {
        expect(new Set(path).size).toBe(path.length);
      }),
    );
  });

  test('from every status an ended one can be reached', () => {
    for (const from of orderStatuses) {
      const reached = new Set<OrderStatus>([from]);
      for (const status of reached) for (const next of transitions[status]) reached.add(next);
      expect([...reached].some(hasEnded), from).toBe(true);
    }
  });

  test('confirmed is reached only through reserved, and perhaps a payment that is waited for', () => {
    fc.assert(
      fc.property(walk, (path) => {
        const at = path.indexOf('confirmed');
        const straight = path.slice(0, at + 1).filter((status) => status !== 'pending_payment');
        if (at !== -1) expect(straight).toEqual(['pending', 'reserved', 'confirmed']);
      }),
    );
  });

  test('an order in manual review goes back to where it came from, or ends', () => {
    for (const to of transitions.needs_attention) {
      expect(to === 'failed' || to === 'cancelled' || transitions[to].includes('needs_attention'), to).toBe(true);
    }
  });

  test('an ended order goes on only after it was confirmed: cancelled, or into manual review for its payment', () => {
    for (const from of orderStatuses.filter((status) => hasEnded(status) && status !== 'needs_attention')) {
      for (const to of orderStatuses)
        expect(transitions[from].includes(to)).toBe(
          from === 'confirmed' && (to === 'cancelling' || to === 'needs_attention'),
        );
    }
  });

  test('failed is never reached once the customer has asked to cancel', () => {
    expect(transitions.cancelling.includes('failed')).toBe(false);
    expect(transitions.cancelling.includes('cancelled')).toBe(true);
  });

  test('every open status can be put into manual review', () => {
    for (const status of openStatuses) expect(transitions[status].includes('needs_attention'), status).toBe(true);
  });

  test('an order is at rest once it has ended, and while its customer has to act on the payment', () => {
    expect(orderStatuses.filter(isAtRest)).toEqual(
      orderStatuses.filter((status) => !['pending', 'reserved', 'cancelling'].includes(status)),
    );
  });
});
