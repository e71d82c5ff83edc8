import type { Sql, TransactionSql } from 'postgres';
import type { EventOf, StoredEvent } from '../../contract/events/define-event.ts';
import { type customerCreated, customerErased, type customerUpdated } from '../../contract/events/domain-events.ts';
import { applyEvent, type OrderState } from './order-state.ts';

type CustomerEvent = EventOf<typeof customerCreated | typeof customerUpdated | typeof customerErased>;

/** Applies events, in their order in the feed, to a generation of `order_details`, and to the copy of customers. */
export async function applyToOrderDetails(
  tx: TransactionSql,
  generation: number,
  events: readonly StoredEvent[],
): Promise<void> {
  const customers = latestOf(events.filter(isOfCustomer));
  await copyCustomers(tx, customers);
  const orders = await statesAfter(tx, generation, events.filter(isOfOrder));
  await writeOrders(tx, generation, orders);
  await showCustomers(
    tx,
    generation,
    customers.map(({ aggregateId }) => aggregateId),
  );
}

const isOfOrder = ({ aggregateId }: StoredEvent): boolean => aggregateId.startsWith('ord_');
const isOfCustomer = (event: StoredEvent): event is CustomerEvent => event.aggregateId.startsWith('cus_');

/** The last event of each, by their ids: two generations lock customers in the same order. */
const latestOf = (events: readonly CustomerEvent[]): CustomerEvent[] =>
  [...new Map(events.map((event) => [event.aggregateId, event])).values()].toSorted((a, b) =>
    a.aggregateId < b.aggregateId ? -1 : 1,
  );

async function copyCustomers(tx: TransactionSql, events: readonly CustomerEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    customer_id: event.aggregateId,
    sequence: event.sequence,
    ...(event.type === customerErased.type
      ? { email: null, name: null, premium: false }
      : { email: event.data.email, name: event.data.name, premium: event.data.premium }),
  }));
  await tx`
    insert into read_models.customers as known (customer_id, sequence, email, name, premium)
    select customer_id, sequence, email, name, premium from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as (customer_id text, sequence integer, email text, name text, premium boolean)
    on conflict (customer_id) do update
      set sequence = excluded.sequence, email = excluded.email, name = excluded.name, premium = excluded.premium
      where known.sequence <= excluded.sequence`;
}

async function statesAfter(
  tx: TransactionSql,
  generation: number,
  events: readonly StoredEvent[],
): Promise<OrderState[]> {
  const ids = [...new Set(events.map(({ aggregateId }) => aggregateId))];
  if (ids.length === 0) return [];
  const rows = await tx<(Omit<OrderState, 'placedAt' | 'changedAt'> & { placedAt: Date; changedAt: Date })[]>`
    select order_id, customer_id, sequence, status, placed_at, changed_at, details from read_models.order_details
    where generation = ${generation} and order_id = any (string_to_array(${ids.join(',')}, ','))`;
  const states = new Map<string, OrderState>(
    rows.map(({ placedAt, changedAt, ...row }) => [
      row.orderId,
      { ...row, placedAt: placedAt.toISOString(), changedAt: changedAt.toISOString() },
    ]),
  );
  for (const event of events) states.set(event.aggregateId, applyEvent(states.get(event.aggregateId), event));
  return [...states.values()];
}

async function writeOrders(tx: TransactionSql, generation: number, orders: readonly OrderState[]): Promise<void> {
  if (orders.length === 0) return;
  const rows = orders.map(({ orderId, customerId, placedAt, changedAt, ...rest }) => ({
    order_id: orderId,
    customer_id: customerId,
    placed_at: placedAt,
    changed_at: changedAt,
    ...rest,
  }));
  await tx`
    insert into read_models.order_details (
      generation, order_id, sequence, customer_id, customer_email, customer_name, customer_premium, status, placed_at,
      changed_at, details
    )
    select ${generation}::integer, o.order_id, o.sequence, o.customer_id, c.email, c.name, coalesce(c.premium, false), o.status,
      o.placed_at, o.changed_at, o.details
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as o (
      order_id text, sequence integer, customer_id text, status text, placed_at timestamptz, changed_at timestamptz,
      details jsonb
    )
    -- With a limit, each customer is looked up; a join may read the whole table.
    left join lateral (
      select email, name, premium from read_models.customers where customer_id = o.customer_id limit 1
    ) c on true
    on conflict (generation, order_id) do update
      set sequence = excluded.sequence, status = excluded.status, changed_at = excluded.changed_at,
        customer_id = excluded.customer_id, customer_email = excluded.customer_email,
        customer_name = excluded.customer_name, customer_premium = excluded.customer_premium, details = excluded.details`;
}

/** Shows customers as they are now in all of their orders. */
async function showCustomers(tx: TransactionSql, generation: number, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx`
    update read_models.order_details o
    set customer_email = c.email, customer_name = c.name, customer_premium = c.premium
    from read_models.customers c
    where o.generation = ${generation} and o.customer_id = c.customer_id
      and c.customer_id = any (string_to_array(${ids.join(',')}, ','))
      and (o.customer_email, o.customer_name, o.customer_premium) is distinct from (c.email, c.name, c.premium)`;
}

/** Deletes what generations hold that were replaced, at most `limit` orders. @returns how many */
export async function dropReplaced(sql: Sql, limit: number): Promise<number> {
  const [replaced] = await sql<{ generation: number }[]>`
    select generation from read_models.order_details
    where generation < (select min(generation) from read_models.generations where model = 'order_details')
    order by generation
    limit 1`;
  if (replaced === undefined) return 0;
  const { generation } = replaced;
  const { count } = await sql`
    delete from read_models.order_details
    where generation = ${generation} and order_id = any (array(
      select order_id from read_models.order_details where generation = ${generation} order by order_id limit ${limit}
    ))`;
  return count;
}
