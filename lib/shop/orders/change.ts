import { isDeepStrictEqual } from 'node:util';
import type { Sql } from 'postgres';
import type * as z from 'zod/mini';
import type { VersionCondition } from '../../contract/api/common.ts';
import type { updateOrder } from '../../contract/api/order-changes.ts';
import type { Order } from '../../contract/api/orders.ts';
import { Problem } from '../../contract/api/problems.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { type DetailName, lockForChange, writeDetails } from './change.sql.ts';
import { checkAddresses } from './check-addresses.ts';
import type { OfOwner } from './owner.sql.ts';
import { emailOf } from './place.ts';
import { findOrder } from './read.sql.ts';

export type Changes = z.output<typeof updateOrder.body>;

const names = ['shippingAddress', 'billingAddress', 'contact', 'note', 'metadata'] as const satisfies DetailName[];

/** Statuses in which the order goes on. */
const changeable: readonly Order['status'][] = ['pending', 'reserved', 'pending_payment', 'confirmed'];

/**
 * Changes what an order says besides its lines, with an entry in its timeline and an event. What is as it was is no change.
 * @throws Problem not-found, order-archived, order-ended, order-shipped, version-stale, address-changes-price, contact-missing,
 *   country-unknown, postal-code-invalid
 */
export async function changeOrder(
  { sql, clock }: { sql: Sql; clock: Clock },
  of: OfOwner,
  changes: Changes,
  {
    by,
    condition,
    requestId,
  }: { by: 'customer' | 'guest' | 'application'; condition: VersionCondition; requestId: string },
): Promise<Order> {
  checkAddresses(changes);
  return await inTransaction(sql, async (tx) => {
    await lockForChange(tx, of);
    const order = await findOrder(tx, of);
    if (order === undefined || order.archived) throw notThere(order);
    checkVersion(order, condition);
    if (!changeable.includes(order.status)) {
      throw new Problem('order-ended', `The order is ${order.status}, and what it says does not change any more.`);
    }
    if (order.fulfilmentStatus !== 'unfulfilled') {
      throw new Problem(
        'order-shipped',
        'A parcel of the order is on its way, so what it says does not change any more.',
      );
    }
    const changed = names.filter(
      (name) => changes[name] !== undefined && !isDeepStrictEqual(changes[name], order[name]),
    );
    if (changed.length === 0) return order;
    const next = {
      ...order,
      ...changes,
      metadata: changes.metadata ?? (changes.metadata === null ? {} : order.metadata),
    };
    checkPrice(order, next);
    if (order.customerId === null) emailOf(next);
    await writeDetails(tx, of.orderId, {
      next,
      changed,
      by,
      requestId,
      eventId: newId('event', clock),
      at: new Date(clock.now()),
    });
    return (await findOrder(tx, of))!;
  });
}

function notThere(order: Order | undefined): Problem {
  return order === undefined
    ? new Problem('not-found', 'You have no such order.')
    : new Problem('order-archived', 'The order is old and in the archive, where nothing changes.');
}

function checkVersion({ version }: Order, { oneOf, noneOf }: VersionCondition): void {
  if (oneOf?.includes(version) !== false && noneOf?.includes(version) !== true) return;
  throw new Problem('version-stale', 'The order has changed since you read it. Read it again and repeat the change.');
}

/**
 * What a price was computed from stays: the country and region of a shipping address, and the VAT number that frees from tax.
 * @throws Problem address-changes-price
 */
function checkPrice(before: Order, next: Pick<Order, 'shippingAddress' | 'billingAddress'>): void {
  if (before.shipping === null && before.tax === null) return;
  const errors = (['shippingAddress', 'billingAddress'] as const).flatMap((name) =>
    (['country', 'region', 'vatNumber'] as const)
      .filter((part) => before[name]?.[part] !== next[name]?.[part])
      .map((part) => ({ pointer: `/${name}/${part}`, detail: 'is what the price was computed from' })),
  );
  if (errors.length > 0)
    throw new Problem('address-changes-price', `${errors[0]!.pointer} ${errors[0]!.detail}.`, { errors });
}
