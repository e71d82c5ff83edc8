import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import type { Journal } from './journal.ts';

/** Waits until `order_details` has every event, and holds each order in it against the tables. Every order has ended by then. */
export async function checkReadModel(
  { sql, publish, withinMs }: { sql: Sql; publish: () => Promise<void>; withinMs: number },
  journal: Journal,
): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    const [row] = await sql<[{ lacks: number }]>`
      select count(*)::integer as lacks from outbox.events
      where position is null or position > (select position from read_models.generations where live)`;
    if (row.lacks === 0) break;
    if (Date.now() > until) return journal.violation('read model', `it lacks ${row.lacks} events`);
    await publish();
    await sleep(500);
  }
  const wrong = await sql<{ id: string; status: string; shown: string | null }[]>`
    select o.id, o.status, d.status as shown
    from orders.orders o
    join customers.customers c on c.id = o.customer_id
    left join payments.payments p on p.order_id = o.id
    left join read_models.order_details d
      on d.order_id = o.id and d.generation = (select generation from read_models.generations where live)
    where (d.status, d.customer_id, d.customer_email, d.customer_name, d.customer_premium)
        is distinct from (o.status, o.customer_id, c.email, c.name, c.premium)
      or (d.details #>> '{total,amount}')::bigint is distinct from o.total
      or d.details #>> '{payment,status}' is distinct from p.status
      or (d.details #>> '{payment,refunded,amount}')::bigint
        is distinct from case p.status when 'refunded' then p.amount else p.refunded_amount end
      or (select sum((line ->> 'quantity')::integer) from jsonb_array_elements(d.details -> 'lines') line)
        is distinct from (select sum(l.quantity) from orders.lines l where l.order_id = o.id)
      or jsonb_array_length(d.details -> 'timeline')
        is distinct from (select count(*)::integer from outbox.events e where e.aggregate_id = o.id)`;
  for (const { id, status, shown } of wrong) {
    journal.violation(
      'read model',
      `it shows order ${id} as ${shown}; the order is ${status}, or something else of it differs`,
    );
  }
}
