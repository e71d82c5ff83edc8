import { ExecutionAlreadyExists } from '@aws-sdk/client-sfn';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import { createTables } from '../../infra/local/dynamo/tables.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { reconcile } from '../../lib/operations/reconciliation/reconcile.ts';
import type { ReconcileDeps } from '../../lib/operations/reconciliation/run.ts';
import { snapshotProviderTransactions } from '../../lib/operations/reconciliation/snapshot.ts';
import type { ProviderCharge } from '../../lib/shop/payments/gateway.ts';
import { poolOptions, startSaga } from './saga.ts';

const hour = 3600_000;

/**
 * A shop with its saga and provider, and the two jobs of reconciliation with a clock that stands so many hours after the
 * machine's.
 */
export async function openReconciliation({ pageSize = 500 } = {}) {
  const saga = await startSaga();
  await createTables(saga.dynamo.client, [{ name: 'providerCharges', ...tables.providerCharges }]);
  const sql = saga.connect('reconciler', poolOptions);
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead };
  const store = { client: saga.dynamo.documents, table: 'providerCharges', clock };
  const logged: { kind: string; subject: string }[] = [];
  const errors: { subject: string; error: unknown }[] = [];
  const deps: ReconcileDeps = {
    sql,
    store,
    clock,
    graceSeconds: 3600,
    stopwatch,
    limitMs: 60_000,
    runsPerPass: 1,
    pageSize,
    startCompensating: (input) =>
      saga.startCompensating(input).catch((error: unknown) => {
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
      }),
    describeExecution: saga.describeExecution,
    onFinding: ({ kind, subject }) => logged.push({ kind, subject }),
    onError: (subject, error) => errors.push({ subject, error }),
  };

  return {
    saga,
    sql,
    deps,
    store,
    logged,
    errors,
    clock,
    /** Moves the jobs' clock, and no other. */
    setAhead: (hours: number) => {
      ahead = hours * hour;
    },
    snapshot: () => snapshotProviderTransactions({ gateway: saga.gateway, store, stopwatch, days: 3, limitMs: 60_000 }),
    reconcile: (over: Partial<ReconcileDeps> = {}) => reconcile({ ...deps, ...over }),
    /** Copies the transactions, compares, and waits for what the repairs started. */
    async run() {
      await this.snapshot();
      const result = await this.reconcile();
      await saga.states.idle();
      expect(errors).toEqual([]);
      return result;
    },
    /** Every finding of a subject, the open one last. */
    findings: (subject: string) => saga.owner`
      select kind, advice, details, repair, repair_key, cleared_at is null as open from monitor.findings
      where subject = ${subject} order by cleared_at nulls last, id`,
    /** Puts a charge into the simulated provider's transactions, past everything that would refuse it. */
    async charge(orderId: string, parts: Partial<ProviderCharge & { status: string }> = {}) {
      const reference = parts.reference ?? `sim_ch_${newId('request', clock)}`;
      const Item = {
        orderId,
        status: 'captured',
        amount: 1000,
        currency: 'EUR',
        paymentMethod: 'pm_card_visa',
        createdAt: new Date().toISOString(),
        ...parts,
        reference,
      };
      await saga.dynamo.documents.send(new PutCommand({ TableName: 'charges', Item }));
      return reference;
    },
    /** Changes one attribute of a transaction of the simulated provider. */
    changeCharge: (orderId: string, name: string, value: unknown) =>
      saga.dynamo.documents.send(
        new UpdateCommand({
          TableName: 'charges',
          Key: { orderId },
          UpdateExpression: 'set #name = :value',
          ExpressionAttributeNames: { '#name': name },
          ExpressionAttributeValues: { ':value': value },
        }),
      ),
    /** Runs statements of the owner's past the triggers that guard against them. */
    async pastGuards(statements: (sql: typeof saga.owner) => Promise<unknown>) {
      const guarded = ['orders.orders', 'payments.payments', 'stock.reservations', 'stock.movements', 'stock.levels'];
      for (const table of guarded) await saga.owner.unsafe(`alter table ${table} disable trigger user`);
      try {
        await statements(saga.owner);
      } finally {
        for (const table of guarded) await saga.owner.unsafe(`alter table ${table} enable trigger user`);
      }
    },
    async stop() {
      await sql.end({ timeout: 2 });
      await saga.stop();
    },
  };
}

export type Reconciliation = Awaited<ReturnType<typeof openReconciliation>>;
