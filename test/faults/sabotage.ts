import { type DynamoDBDocument, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { StepName } from '../../functions/steps.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import type { PlacingState } from '../../lib/saga/state.ts';
import { type StepDeps, stepRuns } from '../support/steps.ts';

type Runs = Partial<Record<StepName, (state: never, deps: StepDeps) => Promise<unknown>>>;

/** Steps with a guard left out, each of which goes well as long as nothing goes wrong. */
const sabotages = {
  /** Charges again at every delivery, as with a key made anew each time. */
  'a charge under a new key each time': ({ client }) => ({
    ChargePayment: async ({ orderId, amount, currency }: PlacingState) => {
      const reference = `sim_ch_${orderId}`;
      await client.send(
        new UpdateCommand({
          TableName: 'charges',
          Key: { orderId },
          UpdateExpression:
            'set #status = :captured, #currency = :currency, #reference = :reference add #amount :amount',
          ExpressionAttributeNames: Object.fromEntries(
            ['status', 'currency', 'reference', 'amount'].map((name) => [`#${name}`, name]),
          ),
          ExpressionAttributeValues: {
            ':captured': 'captured',
            ':currency': currency,
            ':reference': reference,
            ':amount': amount,
          },
        }),
      );
      return { provider: 'simulated', reference };
    },
  }),
  /** Takes an outage for an answer. */
  'a charge that swallows errors': () => ({
    ChargePayment: (state: PlacingState, deps: StepDeps) =>
      stepRuns
        .ChargePayment(state as never, deps)
        .catch(() => ({ provider: 'simulated', reference: `sim_ch_${state.orderId}` })),
  }),
  /** Steps the order forward in one transaction and holds its stock in another. */
  'a reservation in two transactions': () => ({
    ReserveStock: async ({ orderId }: PlacingState, { sql }: StepDeps) => {
      await reserveInTwo(sql(), orderId);
      return { reserved: true };
    },
  }),
} satisfies Record<string, (at: { client: DynamoDBDocument }) => Runs>;

export type Sabotage = keyof typeof sabotages;

/** The steps that a sabotage puts in place of the real ones. */
export const sabotaged = (name: string | undefined, at: { client: DynamoDBDocument }): Runs =>
  name === undefined ? {} : sabotages[name as Sabotage](at);

async function reserveInTwo(sql: Sql, orderId: string): Promise<void> {
  const stepped = await sql`
    with stepped as (
      update orders.orders set status = 'reserved', version = version + 1 where id = ${orderId} and status = 'pending'
      returning id, customer_id, version, correlation_id
    ),
    announced as (
      insert into outbox.events (
        id, type, schema_version, subject, aggregate_id, sequence, correlation_id, data, occurred_at
      )
      select 'evt_' || replace(uuidv7()::text, '-', ''), 'order.reserved', 1, id, id, version, correlation_id,
        jsonb_build_object('orderId', id, 'customerId', customer_id), now()
      from stepped
    )
    insert into orders.timeline (order_id, version, entry, type, detail, at)
    select id, version, entry.number, entry.type, entry.detail, now()
    from stepped, (values
      (1, 'stock-reserved', '{}'::jsonb), (2, 'status-changed', '{"from": "pending", "to": "reserved"}')
    ) as entry (number, type, detail)`;
  if (stepped.count === 0) return;
  await sql`
    with held as (
      insert into stock.reservations (order_id, product_id, quantity, expires_at)
      select order_id, product_id, quantity, now() + interval '1 hour' from stock.wanted where order_id = ${orderId}
      returning order_id, product_id, quantity
    )
    insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
    select 'mov_' || replace(uuidv7()::text, '-', ''), product_id, 'reservation', 0, quantity, 'held', order_id, now()
    from held`;
}
