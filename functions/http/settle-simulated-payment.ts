import * as contract from '../../lib/contract/api/payments.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { config, tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { resumeSaga } from '../../lib/platform/resume.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { findOrder } from '../../lib/shop/orders/read.sql.ts';
import { ChargeNotWaiting } from '../../lib/shop/payments/gateway.ts';
import { settleSimulated } from '../../lib/shop/payments/simulated.dynamo.ts';
import { routes } from '../routes.ts';

type Deps = {
  simulated: boolean;
  sql: () => Sql;
  settle: (orderId: string, outcome: 'complete' | 'fail') => Promise<'authorized' | 'captured' | 'declined'>;
  resume: (orderId: string) => Promise<void>;
};

export async function run(
  { caller, path: { orderId }, body, orderToken }: Request<typeof contract.settleSimulatedPayment, CallerOf<'client'>>,
  { simulated, sql, settle, resume }: Deps,
): Promise<Result> {
  const order = simulated ? await findOrder(sql(), { orderId, ...ownerOf(caller, orderId, orderToken) }) : undefined;
  if (order === undefined) throw new Problem('not-found', 'You have no such order with a simulated payment.');
  const status = await settle(orderId, body.outcome).catch((error: unknown) => {
    if (!(error instanceof ChargeNotWaiting)) throw error;
    throw new Problem('payment-not-waiting', `The payment is ${error.status} and does not wait for an action.`);
  });
  await resume(orderId);
  return { status: 200, body: { orderId, status } };
}

export const handler = httpHandler(routes['settle-simulated-payment'], contract.settleSimulatedPayment, run, () => ({
  simulated: config().PAYMENT_PROVIDER === 'simulated',
  sql: () => sqlAs('orders_api'),
  settle: (orderId, outcome) => settleSimulated({ client: dynamo(), table: tableName('charges') }, orderId, outcome),
  resume: resumeSaga,
}));
