import type { EventOf } from '../../lib/contract/events/define-event.ts';
import { anyOf, consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { orderConfirmed, orderPlaced, type Placed, paymentFailed, source } from './events.ts';
import { announce, type RoomDeps } from './outbox.ts';

const events = [orderPlaced, orderConfirmed, paymentFailed] as const;

export const consumer = {
  name: 'stock',
  source,
  types: events.map(({ type }) => type),
  databaseRole: null,
  timeoutSeconds: 10,
  atOnce: 5,
};

/** Holds the units of a placed order, commits them when it is confirmed, and releases them when it is not paid. */
export async function run(event: EventOf<(typeof events)[number]>, deps: RoomDeps) {
  switch (event.type) {
    case 'order.placed':
      await reserve(event.data, deps);
      break;
    case 'payment.failed':
      await release(event.data.orderId, deps);
      break;
    case 'order.confirmed':
      await deps.sql`
        update stock.reservations set state = 'committed', version = version + 1
        where order_id = ${event.data.orderId} and state = 'reserved'`;
  }
  return {};
}

/** An order that is known already, held or not, is left as it is. */
const reserve = ({ orderId, productId, quantity }: Placed, deps: RoomDeps) =>
  deps.sql.begin(async (sql) => {
    const [level] = await sql`select available from stock.levels where product_id = ${productId} for update`;
    const state = level !== undefined && level.available >= quantity ? 'reserved' : 'refused';
    await sql`
      with changed as (
        insert into stock.reservations (order_id, product_id, quantity, state)
        values (${orderId}, ${productId}, ${quantity}, ${state})
        on conflict do nothing returning order_id, version
      ),
      taken as (
        update stock.levels set available = available - ${quantity}
        where product_id = ${productId} and ${state} = 'reserved' and exists (select from changed)
      ) ${announce({ ...deps, sql }, { type: sql`${`stock.${state}`}` })}`;
  });

/** An order that this room has not heard of yet is noted, so that it holds nothing later. */
const release = (orderId: string, deps: RoomDeps) =>
  deps.sql.begin(async (sql) => {
    await sql`
      select from stock.levels l join stock.reservations r using (product_id)
      where r.order_id = ${orderId} for update of l`;
    await sql`
      with changed as (
        insert into stock.reservations as r (order_id, state) values (${orderId}, 'released')
        on conflict (order_id) do update set state = 'released', version = r.version + 1 where r.state = 'reserved'
        returning order_id, product_id, quantity, version
      ),
      back as (
        update stock.levels l set available = l.available + changed.quantity
        from changed where l.product_id = changed.product_id
      ) ${announce({ ...deps, sql }, { type: sql`'stock.released'` })}`;
  });

export const handlerOf = (deps: RoomDeps) => consumerHandler(consumer, anyOf(events), run, () => deps);
