import type { EventOf } from '../../lib/contract/events/define-event.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { anyOf, consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import {
  type Placed,
  paymentCaptured,
  paymentFailed,
  paymentRefunded,
  source,
  stockRefused,
  stockReleased,
  stockReserved,
} from './events.ts';
import { announce, type RoomDeps } from './outbox.ts';

const events = [paymentCaptured, paymentFailed, paymentRefunded, stockReserved, stockRefused, stockReleased] as const;

export const consumer = {
  name: 'orders',
  source,
  types: events.map(({ type }) => type),
  databaseRole: null,
  timeoutSeconds: 10,
  atOnce: 5,
};

/** Stores an order and its event. Who acts on it, this room does not know. @returns its id */
export async function place(deps: RoomDeps, order: Omit<Placed, 'orderId'>): Promise<string> {
  const { sql, clock } = deps;
  const orderId = newId('order', clock);
  await sql`
    with changed as (
      insert into orders.orders (id, product_id, quantity, amount, currency, payment_method, placed_at)
      values (
        ${orderId}, ${order.productId}, ${order.quantity}, ${order.total.amount}, ${order.total.currency},
        ${order.paymentMethod}, ${new Date(clock.now())}
      )
      returning id as order_id, version
    ) ${announce(deps, { type: sql`'order.placed'`, data: sql`${JSON.stringify(order)}::text::jsonb` })}`;
  return orderId;
}

/**
 * Notes what another room says. What it said last counts, whichever arrives last; the status follows from both rooms' words.
 */
export async function run(event: EventOf<(typeof events)[number]>, deps: RoomDeps) {
  const { sql } = deps;
  const [room, word] = event.type.split('.') as ['payment' | 'stock', string];
  const words = { payment: 'none,captured,refunded,failed', stock: 'none,reserved,released,refused' }[room];
  const place = (of: ReturnType<typeof sql>) => sql`array_position(string_to_array(${words}, ','), ${of}::text)`;
  const { count } = await sql`
    with changed as (
      update orders.orders set ${sql(room)} = ${word}, version = version + 1
      where id = ${event.data.orderId} and ${place(sql`${sql(room)}`)} < ${place(sql`${word}`)}
      returning id as order_id, version, status
    ) ${announce(deps, { type: sql`'order.' || changed.status`, where: sql`changed.status <> 'pending'` })}`;
  return { ended: count > 0 };
}

export const handlerOf = (deps: RoomDeps) => consumerHandler(consumer, anyOf(events), run, () => deps);
