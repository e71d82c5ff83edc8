import { readFileSync } from 'node:fs';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import postgres from 'postgres';
import type { StepName } from '../../functions/steps.ts';
import { createClock } from '../../infra/local/clock.ts';
import { startStates } from '../../infra/local/states/start.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { bigintAsNumber, type Sql } from '../../lib/platform/sql.ts';
import { signal } from '../../lib/saga/awaited-payments.dynamo.ts';
import { executionName } from '../../lib/saga/execution-name.ts';
import type { SagaInput } from '../../lib/saga/state.ts';
import { cancelOrder } from '../../lib/shop/orders/cancel.ts';
import { placeOrder } from '../../lib/shop/orders/place.ts';
import { findOrder } from '../../lib/shop/orders/read.sql.ts';
import { simulatedGateway } from '../../lib/shop/payments/simulated.dynamo.ts';
import { startTestDynamo } from './dynamo.ts';
import { createDatabase } from './postgres.ts';
import { type StepDeps, stepRuns } from './steps.ts';
import { endTask } from './task-ender.ts';

/** Runs in place of a step; `next` is the step itself, `delivery` counts from 1 for each order and step. */
export type Fault = (
  next: () => Promise<unknown>,
  delivery: number,
  orderId: string,
  of: { step: StepName; payload: unknown },
) => Promise<unknown>;

export const poolOptions = {
  transform: { column: { from: postgres.toCamel } },
  types: { bigint: bigintAsNumber },
};

type SagaOptions = {
  waitScale?: number;
  /** Changes the state machine's definition, to show what a test would notice. */
  edit?: (definition: { States: Record<string, object> }) => object;
};

const stateMachineArn = 'arn:aws:states:eu-west-1:000000000000:stateMachine:order';

/**
 * The order saga for tests: the real ASL file in the local Step Functions, the handlers' own `run` on a real PostgreSQL
 * under their own roles, and the simulated provider on the DynamoDB emulator. A fault stands in for one step's
 * deliveries.
 */
export async function startSaga({ waitScale = 0, edit = (definition) => definition }: SagaOptions = {}) {
  const database = await createDatabase();
  const saga = database.connect('saga', poolOptions);
  const api = database.connect('orders_api', poolOptions);
  const manualReview = database.connect('manual_review', poolOptions);
  const owner = database.connect('migrator', poolOptions);
  const dynamo = await startTestDynamo([
    { name: 'charges', partitionKey: 'orderId' },
    { name: 'awaitedPayments', partitionKey: 'orderId', ttlAttribute: 'expiresAt' },
  ]);
  const clock = createClock();
  const awaited = { client: dynamo.documents, table: 'awaitedPayments' };
  const gateway = simulatedGateway({
    client: dynamo.documents,
    table: 'charges',
    clock,
    timeoutMs: 5,
    wait: () => Promise.resolve(),
  });
  const counted: { name: string; label: string | undefined; value: number }[] = [];
  const meter = {
    count: (name: string, value = 1, label?: string) => void counted.push({ name, label, value }),
    flush: () => {},
  };
  const resumeTask = (taskToken: string) => endTask(sfn, taskToken);
  const resumeSaga = async (orderId: string) => {
    const tokens = await signal(awaited, { orderId, at: clock.now() });
    await Promise.all(tokens.map(resumeTask));
  };
  const deps: StepDeps = {
    sql: () => saga as unknown as Sql,
    clock,
    meter,
    gateway,
    reservationSeconds: 900,
    awaited,
    resumeTask,
  };

  const faults = new Map<string, Fault>();
  const deliveries: { step: string; orderId: string }[] = [];
  const counts = new Map<string, number>();
  const text = readFileSync(new URL('../../infra/saga/order.asl.json', import.meta.url), 'utf8');
  const states = await startStates({
    definition: edit(JSON.parse(text.replace(/\$\{(\w+)\}/g, '$1'))),
    stateMachineArn,
    file: ':memory:',
    waitScale,
    clock,
    invoke: (step, payload) => {
      const { orderId } = (step === 'AwaitPayment' ? (payload as { state: object }).state : payload) as {
        orderId: string;
      };
      deliveries.push({ step, orderId });
      const next = () => stepRuns[step as StepName](structuredClone(payload) as never, deps);
      const fault = faults.get(step);
      const delivery = (counts.get(`${step} ${orderId}`) ?? 0) + 1;
      counts.set(`${step} ${orderId}`, delivery);
      return fault === undefined ? next() : fault(next, delivery, orderId, { step: step as StepName, payload });
    },
  });
  const sfn = new SFNClient({
    region: 'eu-west-1',
    endpoint: states.endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const startOrder = async (input: SagaInput) => {
    await sfn.send(
      new StartExecutionCommand({ stateMachineArn, name: executionName(input), input: JSON.stringify(input) }),
    );
  };
  const keys = { table: 'orders.idempotency_keys' as const, clock, keepSeconds: 48 * 3600 };
  const customerId = newId('customer', clock);
  await owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${customerId}, 'buyer@example.com', 'Buyer', 'none', now(), now())`;

  return {
    database,
    saga,
    api,
    manualReview,
    owner,
    dynamo,
    gateway,
    counted,
    deliveries,
    clock,
    customerId,
    keys,
    deps,
    states,
    stateMachineArn,
    sfn,
    startOrder,
    connect: database.connect,
    /** Resumes a saga that waits for its customer, as the webhook does. */
    resumeSaga,
    /** Puts a fault in the way of a step, until `faults.clear()`. */
    fault: (step: StepName, fault: Fault) => void faults.set(step, fault),
    faults,
    product: (units: number, amount = 1000) => addProduct(owner, units, amount),
    /** Places an order as the API does and waits for its saga, unless told not to start it. */
    async place(
      lines: { productId: string; quantity: number }[],
      { paymentMethod = 'pm_card_visa', start = true, wait = true } = {},
    ): Promise<Order> {
      const claim = {
        caller: `customer:${customerId}`,
        key: newId('request', clock),
        operation: 'place-order',
        fingerprint: 'f',
      };
      const startSaga = start ? startOrder : async () => {};
      const result = await placeOrder({ sql: api, keys, clock, startSaga }, claim, {
        customerId,
        lines,
        paymentMethod,
      });
      if (result.placed === undefined) throw new Error('the order was not placed');
      if (result.startError !== undefined) throw result.startError;
      if (!start || !wait) return result.placed;
      await states.idle();
      return (await findOrder(api, { orderId: result.placed.id, customerId }))!;
    },
    /** Cancels an order as the API does, and starts or resumes its saga unless told not to. */
    cancel: (orderId: string, windowSeconds = 3600, { start = true } = {}) =>
      cancelOrder(
        {
          sql: api,
          clock,
          keys,
          startSaga: start ? startOrder : async () => {},
          resumeSaga: start ? resumeSaga : async () => {},
          windowSeconds,
        },
        { caller: `customer:${customerId}`, key: undefined, operation: 'cancel-order', fingerprint: 'c' },
        { orderId, customerId },
      ),
    order: async (orderId: string) => (await findOrder(api, { orderId, customerId }))!,
    async stop() {
      sfn.destroy();
      await states.stop();
      await dynamo.stop();
      await Promise.all([saga, api, manualReview, owner].map((sql) => sql.end({ timeout: 2 })));
      await database.drop();
    },
  };
}

export type Saga = Awaited<ReturnType<typeof startSaga>>;

async function addProduct(owner: postgres.Sql, units: number, amount: number): Promise<string> {
  const id = newId('product', systemClock);
  await owner`
    insert into catalog.products (id, sku, name, price_amount, price_currency, created_at, updated_at)
    values (${id}, ${`SKU-${id.slice(-12)}`}, 'Thing', ${amount}, 'EUR', now(), now())`;
  if (units > 0) {
    await owner`
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
      values (${newId('movement', systemClock)}, ${id}, 'adjustment', ${units}, 0, 'opening stock', now())`;
  }
  return id;
}
