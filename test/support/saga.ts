import { DescribeExecutionCommand, ExecutionDoesNotExist, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import postgres from 'postgres';
import type { StepName } from '../../functions/steps.ts';
import { createClock } from '../../infra/local/clock.ts';
import { startStates } from '../../infra/local/states/start.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { bigintAsNumber, type Sql } from '../../lib/platform/sql.ts';
import { signal } from '../../lib/saga/awaited-payments.dynamo.ts';
import {
  capturingExecution,
  compensatingExecution,
  type ExecutionId,
  placingExecution,
  refundingExecution,
} from '../../lib/saga/executions.ts';
import type { CapturingInput, CompensatingInput, PlacingInput, RefundingInput } from '../../lib/saga/inputs.ts';
import { cancelOrder } from '../../lib/shop/orders/cancel.ts';
import { placeOrder } from '../../lib/shop/orders/place.ts';
import { findOrder } from '../../lib/shop/orders/read.sql.ts';
import { SimulatedGateway } from '../../lib/shop/payments/simulated.dynamo.ts';
import { type Definition, localMachines, stateMachineArnOf } from './definitions.ts';
import { startTestDynamo } from './dynamo.ts';
import { createDatabase } from './postgres.ts';
import { type StepDeps, stepRuns } from './steps.ts';
import { endTask } from './task-ender.ts';

/** Runs in place of a step; `next` is the step itself, `delivery` counts from 1 for each order and step. */
/** A shop without tax, in which an order needs no shipping method. */
export const pricing = { tax: null, shippingRequired: false };
/** More than any test has. */
export const unpaidLimits = { orders: 10_000, units: 1_000_000 };

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

type Cancelling = {
  start?: boolean;
  /** These units alone. */
  lines?: { productId: string; quantity: number }[] | undefined;
  /** As an application does, and not the customer. */
  anybody?: boolean;
};

type SagaOptions = {
  waitScale?: number;
  /** Changes the definition of each state machine, to show what a test would notice. */
  edit?: (definition: Definition) => object;
};

/**
 * The order saga for tests: the real ASL files in the local Step Functions, the handlers' own `run` on a real PostgreSQL
 * under their own roles, and the simulated provider on the DynamoDB emulator. A fault stands in for one step's
 * deliveries.
 */
export async function startSaga({ waitScale = 0, edit }: SagaOptions = {}) {
  const database = await createDatabase();
  const saga = database.connect('saga', poolOptions);
  const api = database.connect('orders_api', poolOptions);
  const cancellations = database.connect('cancellations_api', poolOptions);
  const manualReview = database.connect('manual_review', poolOptions);
  const owner = database.connect('migrator', poolOptions);
  const dynamo = await startTestDynamo([
    { name: 'charges', partitionKey: 'orderId' },
    { name: 'awaitedPayments', partitionKey: 'orderId', ttlAttribute: 'expiresAt' },
  ]);
  const clock = createClock();
  const awaited = { client: dynamo.documents, table: 'awaitedPayments' };
  const gateway = new SimulatedGateway({
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
  const deliveries: { step: string; orderId: string; correlationId?: string }[] = [];
  const counts = new Map<string, number>();
  const states = await startStates({
    machines: localMachines(edit),
    waitScale,
    clock,
    invoke: (step, payload) => {
      const { orderId, correlationId } = (step === 'AwaitPayment' ? (payload as { state: object }).state : payload) as {
        orderId: string;
        correlationId?: string;
      };
      deliveries.push({ step, orderId, ...(correlationId === undefined ? {} : { correlationId }) });
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
  const start = async ({ machine, name }: ExecutionId, input: object) => {
    const stateMachineArn = stateMachineArnOf(machine);
    await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  };
  const starts = {
    startPlacing: (input: PlacingInput) => start(placingExecution(input), input),
    startCompensating: (input: CompensatingInput) => start(compensatingExecution(input), input),
    startCapturing: (input: CapturingInput) => start(capturingExecution(input), input),
    startRefunding: (input: RefundingInput) => start(refundingExecution(input), input),
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
    cancellations,
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
    sfn,
    ...starts,
    /** The status of an execution, `none` when there is no such execution. */
    async describeExecution(execution: ExecutionId): Promise<string> {
      try {
        const describe = new DescribeExecutionCommand({ executionArn: executionArnOf(execution) });
        return (await sfn.send(describe)).status ?? 'RUNNING';
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return 'none';
        throw error;
      }
    },
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
      {
        paymentMethod = 'pm_card_visa',
        start = true,
        wait = true,
        captureAt,
        couponCode,
      }: {
        paymentMethod?: string;
        start?: boolean;
        wait?: boolean;
        captureAt?: 'shipment' | undefined;
        couponCode?: string | undefined;
      } = {},
    ): Promise<Order> {
      const claim = {
        caller: `customer:${customerId}`,
        key: newId('request', clock),
        operation: 'place-order',
        fingerprint: 'f',
      };
      const startPlacing = start ? starts.startPlacing : async () => {};
      const result = await placeOrder(
        { sql: api, keys, clock, startPlacing, unpaidLimits, pricing, captureAt, numberPrefix: 'CF' },
        claim,
        {
          customerId,
          lines,
          paymentMethod,
          couponCode,
        },
      );
      if (result.placed === undefined) throw new Error('the order was not placed');
      if (result.startError !== undefined) throw result.startError;
      if (!start || !wait) return result.placed;
      await states.idle();
      return (await findOrder(api, { orderId: result.placed.id, customerId }))!;
    },
    /** Cancels an order as the API does, and starts or resumes its saga unless told not to. */
    cancel: (orderId: string, windowSeconds = 3600, { start = true, lines, anybody = false }: Cancelling = {}) =>
      cancelOrder(
        {
          sql: cancellations,
          clock,
          keys,
          startCompensating: start ? starts.startCompensating : async () => {},
          startRefunding: start ? starts.startRefunding : async () => {},
          resumeSaga: start ? resumeSaga : async () => {},
          windowSeconds,
        },
        { caller: `customer:${customerId}`, key: undefined, operation: 'cancel-order', fingerprint: 'c' },
        { orderId, ...(anybody ? { anybody } : { customerId }), lines, requestedBy: 'buyer' },
      ),
    order: async (orderId: string) => (await findOrder(api, { orderId, customerId }))!,
    async stop() {
      sfn.destroy();
      await states.stop();
      await dynamo.stop();
      await Promise.all([saga, api, cancellations, manualReview, owner].map((sql) => sql.end({ timeout: 2 })));
      await database.drop();
    },
  };
}

export type Saga = Awaited<ReturnType<typeof startSaga>>;

export const executionArnOf = ({ machine, name }: ExecutionId): string =>
  `${stateMachineArnOf(machine).replace(':stateMachine:', ':execution:')}:${name}`;

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
