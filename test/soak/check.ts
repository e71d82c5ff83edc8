import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import type { Sql } from 'postgres';
import type { Order } from '../../lib/contract/api/orders.ts';
import { testDynamoClient } from '../support/dynamo.ts';
import { allCharges, brokenInvariants } from '../support/provider-transactions.ts';
import type { Strain } from './ask.ts';
import type { Customer } from './customer.ts';
import type { Kill } from './kills.ts';
import { randomOf } from './random.ts';
import { isLater, type World } from './shop.ts';
import {
  brokenCompensationsRetried,
  type CompensatedAgain,
  type Entry,
  longestOf,
  type Stretch,
  stretchesOf,
} from './stretches.ts';

type Options = {
  world: World;
  strained: Strain;
  sql: Sql;
  dynamoEndpoint: string;
  customers: readonly (Customer & { token: string })[];
};

/** Holds the transactions, and what clients are told now, against everything that they were told before. */
export async function checkAll({ world, strained, sql, dynamoEndpoint, customers }: Options): Promise<void> {
  const { journal } = world;
  const dynamo = testDynamoClient(dynamoEndpoint);
  const charges = await allCharges(DynamoDBDocument.from(dynamo));
  dynamo.destroy();
  for (const sentence of await brokenInvariants(sql, charges)) journal.violation('check', sentence);
  for (const sentence of await brokenPromises(world, sql, strained)) journal.violation('check', sentence);
  for (const customer of customers) await checkList(world, sql, customer);
  await checkReplays(world);
}

/** What PostgreSQL has, against what clients were told. */
async function brokenPromises({ orders, products, journal }: World, sql: Sql, strained: Strain): Promise<string[]> {
  const broken: string[] = [];
  const rows = await sql<CompensatedAgain[]>`
    select id, status, compensation_attempts, array(
      select attempt from orders.manual_reviews a where a.order_id = o.id and a.settled_at is null
    ) as before
    from orders.orders o`;
  const stretches = await readStretches(sql);
  for (const { again } of stretches) if (again) journal.count(compensationsRetried);
  broken.push(...brokenCompensationsRetried(rows, stretches));
  const kept = new Map<string, string>(rows.map(({ id, status }) => [id, status]));
  const opened = Map.groupBy(
    stretches.filter(({ end }) => end?.status === 'needs_attention'),
    ({ orderId }) => orderId,
  );
  const told = new Map(orders.map((order) => [order.id, order]));
  if (told.size !== orders.length) broken.push(`${orders.length} orders under keys of their own are ${told.size}`);
  for (const id of kept.keys()) if (!told.has(id)) broken.push(`order ${id} exists, and no client was told of it`);
  for (const { id, cancelled, paymentMethod } of orders) {
    const status = kept.get(id);
    const byDesign = paymentMethod === 'pm_timeoutAlways';
    // Though the schedule has compensated it since: time heals what should not have happened.
    for (const { begunAt, end } of byDesign ? [] : (opened.get(id) ?? [])) {
      // Its compensation was tried for as long as the saga allows, and nobody came to answer.
      if (strained(begunAt, end!.at)) journal.count(busyCompensation);
      else broken.push(`order ${id} by ${paymentMethod} came into manual review, on a machine that was not too busy`);
    }
    const allowed = new Set([
      ...(cancelled ? ['cancelled'] : (ends[paymentMethod] ?? [])),
      ...(byDesign || opened.has(id) ? ['needs_attention'] : []),
    ]);
    if (status === undefined || !allowed.has(status))
      broken.push(
        `order ${id} by ${paymentMethod}${cancelled ? ', which was to be cancelled,' : ''} is ${status ?? 'gone'}`,
      );
  }
  const lines = await sql`select order_id, product_id, quantity, unit_price from orders.lines`;
  for (const line of lines) {
    const order = told.get(line.orderId);
    const prices = products.find(({ id }) => id === line.productId)?.prices ?? [];
    const fits = ({ amount, from, until }: (typeof prices)[number]) =>
      amount === line.unitPrice && order !== undefined && from <= order.answeredAt && until >= order.sentAt;
    if (order !== undefined && !prices.some(fits))
      broken.push(`order ${line.orderId} has ${line.productId} at ${line.unitPrice}, which was not its price then`);
  }
  const levels = await sql`select product_id, on_hand from stock.levels`;
  for (const { id, stocked } of products) {
    const sold = lines.filter(({ orderId, productId }) => productId === id && kept.get(orderId) === 'confirmed');
    const units = sold.reduce((sum, { quantity }) => sum + quantity, 0);
    const onHand = levels.find(({ productId }) => productId === id)?.onHand;
    const manualReview = lines.some(
      ({ orderId, productId }) => productId === id && kept.get(orderId) === 'needs_attention',
    );
    // What becomes of the stock of an order that awaits a person is not known; it is not committed, though.
    if (onHand !== stocked - units && !manualReview)
      broken.push(`product ${id} has ${onHand} on hand: ${stocked} were taken in and ${units} sold`);
  }
  return broken;
}

/** Counted apart: an order that came into manual review because nothing answered its compensation in time. */
export const busyCompensation = 'orders in manual review, on a machine too busy to answer their compensation';

/** Counted each time that the schedule took an order back from in manual review. */
export const compensationsRetried = 'compensations run again';

/** How orders may end that nobody cancelled. */
const ends: Record<string, string[]> = {
  pm_card_visa: ['confirmed', 'failed'],
  pm_timeoutOnce: ['confirmed', 'failed'],
  pm_card_chargeDeclined: ['failed'],
  pm_card_insufficientFunds: ['failed'],
  pm_timeoutAlways: ['failed'],
  pm_requiresAction: ['confirmed', 'failed'],
};

/** A customer's own list has each order that the customer was told of, as it ended. */
async function checkList(world: World, sql: Sql, { id, name, token }: Customer): Promise<void> {
  const random = randomOf(world.seed, `check of ${name}`);
  const listed: Order[] = [];
  for (let cursor = ''; ; ) {
    const answer = await world.ask('GET', `/orders?limit=100${cursor}`, { actor: name, random, token });
    if (answer.status !== 200)
      return world.journal.violation(name, `GET /orders gave ${answer.status}: ${answer.text}`);
    const page = answer.body as { data: Order[]; nextCursor: string | null };
    listed.push(...page.data);
    if (page.nextCursor === null) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  const rows = await sql`select id, status from orders.orders where customer_id = ${id}`;
  const kept = new Map(rows.map((row) => [row.id, row.status]));
  const seen = new Map(listed.map((order) => [order.id, order.status]));
  for (const { id: orderId } of world.orders.filter(({ customerId }) => customerId === id)) {
    if (!seen.has(orderId) || seen.get(orderId) !== kept.get(orderId))
      world.journal.violation(
        name,
        `order ${orderId} is ${kept.get(orderId)}, and ${seen.get(orderId) ?? 'not'} in the list`,
      );
  }
}

/**
 * Every request that was answered under a key gets that answer again, to the byte. One that waited gets what its order has
 * come to: the same answer, unless the order was cancelled since.
 */
async function checkReplays(world: World): Promise<void> {
  const left = [...world.answered];
  const random = randomOf(world.seed, 'replays');
  const worker = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      const { actor, method, path, key, body, wait } = one;
      const options = { actor, random, key, token: one.token(), ...(wait === undefined ? {} : { wait }) };
      const again = await world.ask(method, path, { ...options, ...(body === undefined ? {} : { body }) });
      world.journal.count('answers replayed');
      const same = again.status === one.status && again.text === one.text;
      if (
        !(same || (wait !== undefined && isLater(one.text, again.text))) ||
        !again.headers.has('idempotency-replayed')
      )
        world.journal.violation(
          actor,
          `${method} ${path} under ${key} gave ${one.status} ${one.text} and now ${again.status} ${again.text}`,
        );
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

export type Ends = { byStatus: [string, number][]; longestAfterKillMs: number; longestMs: number };

/** How orders ended, and the longest that one took, counted from the last kill before its end when it was under way. */
export async function readEnds(sql: Sql, kills: readonly Kill[]): Promise<Ends> {
  const byStatus = await sql`
    select status || coalesce(': ' || failure_code, '') as name, count(*)::integer as count
    from orders.orders group by 1 order by 1`;
  return { byStatus: byStatus.map(({ name, count }) => [name, count]), ...longestOf(await readStretches(sql), kills) };
}

const readStretches = async (sql: Sql): Promise<Stretch[]> =>
  stretchesOf(
    await sql<Entry[]>`
      select order_id, at, type, detail->>'from' as "from", detail->>'to' as "to" from orders.timeline
      where type in ('order-placed', 'status-changed') order by order_id, version, entry`,
  );
