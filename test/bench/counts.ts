import { Agent } from 'node:http';
import { join } from 'node:path';
import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import postgres, { type Sql } from 'postgres';
import { stateMachineVariables } from '../../lib/contract/deploy/route.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { placeOrder } from './orders.ts';
import { endOf, type LoggedStatement, loggingStatements, readStatements } from './server-log.ts';
import { openShop, type Shop } from './shop.ts';

/** What one order costs, on average, from `POST /orders` to confirmed. */
export type Counts = {
  /** Without BEGIN, COMMIT and the like. */
  statements: number;
  /** Transactions that wrote. */
  commits: number;
  readOnlyTransactions: number;
  statementsByRole: Record<string, number>;
  /** States that its execution entered: what Step Functions bills. */
  stateTransitions: number;
  dynamoCalls: number;
  /** How fast the orders came: a slow machine has no steady traffic, for which permits are taken ahead. */
  ordersPerSecond: number;
  dynamoCallsByOperation: Record<string, number>;
};

/** Both ways to order: asking for the end of it, and for the answer at once. */
export type CountsByWay = { waiting: Counts; notWaiting: Counts };

/**
 * Counts what orders ask of PostgreSQL, by its own log, and of DynamoDB, where the calls arrive. They are placed one
 * after the other, before the first of the stack's scheduled jobs is due, so that nobody else is counted.
 */
export async function countPerOrder(orders: number): Promise<CountsByWay> {
  // On a slow machine its workers come in between, and each table that they analyze takes a transaction id.
  const postgresSettings = { ...loggingStatements, autovacuum: 'off' };
  const shop = await openShop({ products: 5, customers: 1, postgresSettings });
  const owner = postgres({ path: shop.stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  try {
    // So that handlers are loaded, connections open, and the rate limiter has learned of the traffic.
    await place(shop, 10, 0);
    // Events are published a batch at a time, beside the orders and not for one.
    await shop.stack.inside.stopSchedule();
    await place(shop, steadyOrders, 20);
    await shop.stack.inside.sagasIdle();
    const waiting = await count(shop, owner, orders, 20);
    const notWaiting = await count(shop, owner, orders, 0);
    return { waiting, notWaiting };
  } finally {
    await owner.end();
    await shop.close();
  }
}

/** After so many orders, one after the other, and over some slots of five seconds, a process may take permits of the rate limits ahead. */
const steadyOrders = 200;

async function place({ stack, tokens, productIds }: Shop, orders: number, wait: number): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  try {
    for (let i = 0; i < orders; i++) {
      const productId = productIds[i % productIds.length]!;
      const status = await placeOrder({
        url: `${stack.baseUrl}/orders`,
        token: tokens[0]!,
        productIds: [productId],
        wait,
        agent,
      });
      if (wait > 0 && status !== 'confirmed') throw new Error(`An order ended ${status} instead of confirmed.`);
      await stack.inside.sagasIdle();
    }
  } finally {
    agent.destroy();
  }
}

async function count(shop: Shop, owner: Sql, orders: number, wait: number): Promise<Counts> {
  const log = join(shop.directory, 'postgres/server.log');
  await shop.stack.inside.accessesRecorded();
  const before = { log: await endOf(log), dynamo: shop.stack.inside.dynamoCalls(), state: await stateOf(owner) };
  const began = stopwatch.elapsed();
  await place(shop, orders, wait);
  const seconds = (stopwatch.elapsed() - began) / 1000;
  await shop.stack.inside.accessesRecorded();
  const after = { log: await endOf(log), dynamo: shop.stack.inside.dynamoCalls(), state: await stateOf(owner) };

  const confirmed = after.state.confirmed - before.state.confirmed;
  if (confirmed !== orders) throw new Error(`${confirmed} orders of ${orders} were confirmed.`);
  const logged = (await readStatements(log, before.log, after.log)).filter(({ role }) => role !== 'rdsadmin');
  const inTransactions = (some: LoggedStatement[]) => Map.groupBy(some, ({ transaction }) => transaction);
  const writing = (some: LoggedStatement[]): number =>
    [...inTransactions(some).values()].filter((each) => each.some(({ wrote }) => wrote)).length;
  // Records of accesses are written a batch at a time, beside the orders and not for one.
  const statements = logged.filter(({ role }) => role !== 'audit_writer');
  const transactions = inTransactions(statements);
  const commits = writing(statements);
  // Every transaction that writes takes one id, so the log can be held against the database's own counter.
  const ids = after.state.nextId - before.state.nextId;
  const all = writing(logged);
  if (ids !== all) throw new Error(`The log shows ${all} writing transactions, the database counted ${ids}.`);
  const calls = difference(before.dynamo, after.dynamo);
  return {
    statements: statements.length / orders,
    commits: commits / orders,
    readOnlyTransactions: (transactions.size - commits) / orders,
    stateTransitions: (await countTransitions(shop, owner, orders)) / orders,
    statementsByRole: perOrder(countByRole(statements), orders),
    ordersPerSecond: orders / seconds,
    dynamoCalls: Object.values(calls).reduce((sum, each) => sum + each, 0) / orders,
    dynamoCallsByOperation: perOrder(calls, orders),
  };
}

/** Asking this takes no transaction id. */
async function stateOf(owner: Sql): Promise<{ nextId: number; confirmed: number }> {
  const [row] = await owner`
    select
      pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text as next_id,
      (select count(*)::integer from orders.orders where status = 'confirmed') as confirmed`;
  return { nextId: Number(row!.next_id), confirmed: row!.confirmed };
}

/** How many states the executions of the latest orders entered. */
export async function countTransitions({ stack }: Shop, owner: Sql, orders: number): Promise<number> {
  const { statesEndpoint, env } = stack.inside;
  const latest = await owner<
    { id: string }[]
  >`select id from orders.orders order by created_at desc, id desc limit ${orders}`;
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
  const client = new SFNClient({ endpoint: statesEndpoint, region: 'eu-west-1', credentials });
  try {
    let entered = 0;
    for (const { id } of latest) {
      const executionArn = `${env[stateMachineVariables.placing]!.replace(':stateMachine:', ':execution:')}:${id}`;
      const { events = [] } = await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
      entered += events.filter(({ stateEnteredEventDetails }) => stateEnteredEventDetails !== undefined).length;
    }
    return entered;
  } finally {
    client.destroy();
  }
}

const countByRole = (statements: LoggedStatement[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(statements, ({ role }) => role)].map(([role, each]) => [role, each.length]));

const difference = (before: Record<string, number>, after: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after)
      .map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)])
      .filter(([, count]) => count > 0),
  );

const perOrder = (counts: Record<string, number>, orders: number): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / orders]));
