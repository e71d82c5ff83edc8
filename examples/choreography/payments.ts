import type { EventOf } from '../../lib/contract/events/define-event.ts';
import { anyOf, consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { orderPlaced, type Placed, source, stockRefused } from './events.ts';
import { announce, type RoomDeps } from './outbox.ts';
import type { Provider } from './provider.ts';

const events = [orderPlaced, stockRefused] as const;

export const consumer = {
  name: 'payments',
  source,
  types: events.map(({ type }) => type),
  databaseRole: null,
  timeoutSeconds: 10,
  atOnce: 5,
};

type Deps = RoomDeps & { provider: Provider };

/** Charges a placed order; gives the money back when there is no stock for it. */
export async function run(event: EventOf<(typeof events)[number]>, deps: Deps) {
  const outcome = event.type === 'order.placed' ? await charge(event.data, deps) : await refund(event.data, deps);
  return { outcome };
}

async function charge(order: Placed, deps: Deps): Promise<string> {
  const { sql, provider } = deps;
  const { orderId } = order;
  if ((await stateOf(orderId, deps)) === undefined) {
    const state = (await provider.charge(order)) ? 'captured' : 'failed';
    const { count } = await sql`
      with changed as (
        insert into payments.payments (order_id, state) values (${orderId}, ${state})
        on conflict do nothing returning order_id, version
      ) ${announce(deps, { type: sql`${`payment.${state}`}` })}`;
    if (count > 0) return state;
  }
  // The stock may have refused between the charge and its record, also in a run that was killed there.
  if ((await stateOf(orderId, deps)) === 'failed') await provider.refund(orderId);
  return 'known already';
}

/** An order that this room has not heard of yet is noted, so that it is not charged later. */
async function refund({ orderId }: { orderId: string }, deps: Deps): Promise<string> {
  const { sql, provider } = deps;
  const { count } = await sql`
    with changed as (
      insert into payments.payments (order_id, state) values (${orderId}, 'failed')
      on conflict do nothing returning order_id, version
    ) ${announce(deps, { type: sql`'payment.failed'` })}`;
  if (count > 0) return 'never charged';
  if ((await stateOf(orderId, deps)) !== 'captured') return 'nothing to refund';
  await provider.refund(orderId);
  await sql`
    with changed as (
      update payments.payments set state = 'refunded', version = version + 1
      where order_id = ${orderId} and state = 'captured' returning order_id, version
    ) ${announce(deps, { type: sql`'payment.refunded'` })}`;
  return 'refunded';
}

async function stateOf(orderId: string, { sql }: Deps): Promise<string | undefined> {
  const [payment] = await sql<{ state: string }[]>`select state from payments.payments where order_id = ${orderId}`;
  return payment?.state;
}

export const handlerOf = (deps: Deps) => consumerHandler(consumer, anyOf(events), run, () => deps);
