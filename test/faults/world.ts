import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import postgres, { type Sql } from 'postgres';
import { type StepName, steps } from '../../functions/steps.ts';
import { stateMachines } from '../../lib/contract/deploy/route.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { untilDeadline } from '../../lib/platform/handlers/lambda.ts';
import { dropPool, poolOf } from '../../lib/platform/pools.ts';
import { createFulfilment, shipFulfilment } from '../../lib/shop/fulfilment/fulfilments.ts';
import { requestCapture } from '../../lib/shop/payments/captures.ts';
import { requestRefund } from '../../lib/shop/payments/refunds.ts';
import { SimulatedGateway } from '../../lib/shop/payments/simulated.dynamo.ts';
import { stateMachineArnOf } from '../support/definitions.ts';
import { setUpManualReview } from '../support/manual-review.ts';
import { testPostgres } from '../support/postgres.ts';
import { startPostgresRelay } from '../support/postgres-relay.ts';
import { poolOptions, startSaga } from '../support/saga.ts';
import { stepRuns } from '../support/steps.ts';
import { secondsUntilGivenUp } from './definition.ts';
import type { Delivery } from './faults.ts';
import { startHosts } from './hosts.ts';
import { type Sabotage, sabotaged } from './sabotage.ts';

export type World = Awaited<ReturnType<typeof startWorld>>;

type Edit = NonNullable<NonNullable<Parameters<typeof startSaga>[0]>['edit']>;

type WorldOptions = {
  sabotage?: Sabotage;
  edit?: Edit;
  /** Strikes in every way that there is, not only in those that find most. */
  thorough?: boolean;
};

/** Advisory lock that holds transactions back at their commit while a test has it. */
const gateLock = 4_211;

/**
 * The saga of `test/support/saga.ts` with everything at hand that the faults need: the steps' way to the database can be
 * cut, their DynamoDB taken away, their process killed, and their transactions stopped at the commit. `deliver` runs in
 * place of every delivery.
 */
export async function startWorld({ sabotage, edit, thorough = false }: WorldOptions = {}) {
  const saga = await startSaga(edit && { edit });
  const { socketDir, socketPath } = testPostgres();
  const relay = await startPostgresRelay(socketPath);
  const admin = postgres({ host: socketDir, user: 'rdsadmin', database: 'postgres', max: 1 });
  const hosts = await startHosts({
    databaseHost: socketDir,
    databaseName: saga.database.name,
    dynamoEndpoint: saga.dynamo.endpoint,
    statesEndpoint: saga.states.endpoint,
  });
  const impatient = new DynamoDBClient({
    endpoint: saga.dynamo.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 500, requestTimeout: 60, throwOnRequestTimeout: true },
  });
  const outside = (client: DynamoDBDocument) => ({
    gateway: new SimulatedGateway({ client, table: 'charges', clock: saga.clock, timeoutMs: 0 }),
    awaited: { client, table: 'awaitedPayments' },
  });
  const patientOutside = outside(saga.dynamo.documents);
  const impatientOutside = outside(DynamoDBDocument.from(impatient));
  Object.assign(saga.deps, patientOutside, { sql: () => poolOf('saga', open) });
  const refunds = saga.connect('refunds_api', poolOptions);
  const goods = saga.connect('fulfilment_api', poolOptions);
  await installGate(saga.owner as unknown as Sql);

  const replaced = sabotaged(sabotage, { client: saga.dynamo.documents });
  let deliver: (delivery: Delivery) => Promise<unknown> = ({ next }) => next();
  for (const step of Object.keys(steps) as StepName[]) {
    saga.fault(step, (_, __, orderId, { payload }) =>
      deliver({
        step,
        orderId,
        payload,
        // The product's own handling of lost connections, as in the handler of every step.
        next: () => {
          const run = replaced[step] ?? stepRuns[step];
          return untilDeadline(run(structuredClone(payload) as never, saga.deps), 10_000, steps[step].databaseRole);
        },
      }),
    );
  }

  /** Of a request with a key of its own. */
  function claimOf(operation: string) {
    const key = newId('request', saga.clock);
    return { caller: 'app:key', key, operation, fingerprint: key };
  }

  function open(): Sql {
    return saga.database.connect('saga', { ...poolOptions, host: relay.host, max: 4 }) as unknown as Sql;
  }

  return {
    saga,
    manualReview: setUpManualReview(saga),
    thorough,
    relay,
    admin,
    databaseName: saga.database.name,
    /** Runs a step in a process of its own, which is killed when it has done its work. */
    killAfterEffect: ({ step, payload }: Delivery): Promise<never> =>
      hosts.runAndKill({ step, payload, sabotage, ahead: saga.clock.ahead }),
    /** What runs in place of every delivery from here on. */
    onDelivery(run: typeof deliver) {
      deliver = run;
    },
    /** Runs work while DynamoDB is away. The steps' client waits for it as on Lambda, only not so long. */
    async withoutDynamo<T>(outage: 'pause' | 'refuse' | 'mute', work: () => Promise<T>): Promise<T> {
      Object.assign(saga.deps, impatientOutside);
      saga.dynamo[outage]();
      try {
        return await work();
      } finally {
        await saga.dynamo.resume();
        Object.assign(saga.deps, patientOutside);
      }
    },
    /** Lets the state machine's time for a step pass. Nobody waits for the answer any more. */
    timeOut(step: StepName): Promise<never> {
      saga.clock.advance(secondsUntilGivenUp(step) * 1000);
      return new Promise(() => {});
    },
    /** Asks for a part of an order's payment back, as an application does. */
    async refundPart(orderId: string, amount: number): Promise<void> {
      const claim = claimOf('request-refund');
      const keys = { table: 'payments.idempotency_keys' as const, clock: saga.clock, keepSeconds: 48 * 3600 };
      await requestRefund(
        { sql: refunds as unknown as Sql, clock: saga.clock, keys, startRefunding: saga.startRefunding },
        claim,
        { orderId, amount: { amount, currency: 'EUR' }, reason: 'broken', requestedBy: 'app:key' },
      );
    },
    /**
     * Packs a unit of an order and ships it, as an application does whose answers are lost: it asks for each twice, by one key.
     */
    async ship(orderId: string, startCapturing: typeof saga.startCapturing): Promise<void> {
      const keys = { table: 'orders.fulfilment_idempotency_keys' as const, clock: saga.clock, keepSeconds: 48 * 3600 };
      const deps = { sql: goods as unknown as Sql, clock: saga.clock, keys, startCapturing };
      const [line] = await saga.owner`select product_id from orders.lines where order_id = ${orderId}`;
      const packing = claimOf('create-fulfilment');
      const lines = [{ productId: line!.productId as string, quantity: 1 }];
      const pack = () => createFulfilment(deps, packing, { orderId, lines, createdBy: 'app:key' });
      await pack();
      const { id: fulfilmentId } = JSON.parse((await pack()).answer.body ?? '') as { id: string };
      const shipping = claimOf('ship-fulfilment');
      const parcel = { orderId, fulfilmentId, tracking: {} };
      for (let time = 1; time <= 2; time++) await shipFulfilment(deps, shipping, parcel);
    },
    /** Cancels one of the two units of an order, as its customer does. */
    async cancelUnit(orderId: string): Promise<void> {
      const [line] = await saga.owner`select product_id from orders.lines where order_id = ${orderId}`;
      await saga.cancel(orderId, 3600, { lines: [{ productId: line!.productId as string, quantity: 1 }] });
    },
    /** Has an order's payment captured, as an application does. */
    async capture(orderId: string): Promise<void> {
      const claim = claimOf('request-capture');
      const keys = { table: 'payments.idempotency_keys' as const, clock: saga.clock, keepSeconds: 48 * 3600 };
      await requestCapture(
        { sql: refunds as unknown as Sql, clock: saga.clock, keys, startCapturing: saga.startCapturing },
        claim,
        { orderId, requestedBy: 'app:key' },
      );
    },
    /** The executions of an order, its capture and its refunds, and how they ended. */
    async executions(orderId: string) {
      const ids = (
        await saga.owner`
          select id::text from payments.refunds where order_id = ${orderId}
          union all select id::text from payments.payments where order_id = ${orderId}`
      ).map(({ id }) => id);
      const lists = stateMachines.map(async (machine) => {
        const command = new ListExecutionsCommand({ stateMachineArn: stateMachineArnOf(machine), maxResults: 20 });
        return ((await saga.sfn.send(command)).executions ?? []).map((execution) => ({ ...execution, machine }));
      });
      return (await Promise.all(lists))
        .flat()
        .filter(({ name }) => [orderId, ...ids].some((id) => name?.startsWith(id)));
    },
    /** Holds transactions back that have changed an order, at their commit. */
    async closeGate() {
      const keeper = await saga.owner.reserve();
      await keeper`select pg_advisory_lock(${gateLock})`;
      return {
        /** Ends the sessions that wait. @returns whether there were any */
        async endWhoWaits(): Promise<boolean> {
          const ended = await admin`
            select pg_terminate_backend(l.pid) from pg_locks l join pg_stat_activity a on a.pid = l.pid
            where a.datname = ${saga.database.name} and l.locktype = 'advisory' and not l.granted`;
          return ended.length > 0;
        },
        async open() {
          await keeper`select pg_advisory_unlock(${gateLock})`;
          keeper.release();
        },
      };
    },
    async stop() {
      await hosts.stop();
      dropPool('saga');
      impatient.destroy();
      await refunds.end();
      await goods.end();
      await admin.end();
      await relay.stop();
      await saga.stop();
    },
  };
}

async function installGate(owner: Sql): Promise<void> {
  await owner.unsafe(`
    create function public.wait_at_gate() returns trigger language plpgsql security definer set search_path = '' as $$
    begin
      perform pg_catalog.pg_advisory_xact_lock_shared(${gateLock});
      return null;
    end $$;
    create constraint trigger zz_wait_at_gate after update on orders.orders
      deferrable initially deferred for each row execute function public.wait_at_gate();`);
}
