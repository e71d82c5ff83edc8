import * as contract from '../../lib/contract/api/orders.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { claimOf } from '../../lib/http/idempotency.ts';
import { answerLongRunning, locatedId, warnIfNotStarted } from '../../lib/http/long-running.ts';
import { buyerOf, newOrderToken, withOrderToken } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { tellPublisher } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { countPlaced, placing } from '../../lib/platform/placing.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { type PlaceDeps, placeOrder } from '../../lib/shop/orders/place.ts';
import { hasEnded, isAtRest } from '../../lib/shop/orders/transitions.ts';
import { type Sleep, sleep, waitForEnd } from '../../lib/shop/orders/wait.ts';
import { routes } from '../routes.ts';

type Deps = Omit<PlaceDeps, 'sql'> & { sql: () => PlaceDeps['sql']; sleep: Sleep; stopwatch: Stopwatch };

export async function run(
  request: Request<typeof contract.placeOrder, CallerOf<'client'>>,
  deps: Deps,
): Promise<Result> {
  const sql = deps.sql();
  const claim = { ...claimOf('place-order', request), key: request.idempotencyKey ?? '' };
  const newToken = (orderId: string) => newOrderToken(orderId, claim.key);
  const buyer = buyerOf(request.caller, request.body.customerId);
  const order = { ...request.body, ...buyer, applicationId: request.caller.application.id, newToken };
  if (order.placedBy !== null && order.customerId !== null) request.concerns(order.customerId);
  const { answer, placed, startError } = await placeOrder({ ...deps, sql }, claim, order).catch((error: unknown) => {
    if (error instanceof Problem && error.code === 'too-many-unpaid-orders') request.meter.count('UnpaidOrdersRefused');
    throw error;
  });
  const orderId = placed?.id ?? locatedId(answer);
  if (placed !== undefined) countPlaced(request.meter, placed);
  const failed = placed?.status === 'failed' ? placed : undefined;
  // No saga begins or ends, which would tell it.
  if (failed !== undefined) await tellPublisher(request.log);
  warnIfNotStarted(request.log, startError, { orderId });
  return await answerLongRunning(request, {
    accepted: withOrderToken(answer, orderId, claim.key),
    replayed: placed === undefined,
    wait: async (until) => failed ?? (await waitForEnd({ ...deps, sql }, { orderId, anybody: true }, until)),
    finalStatus: ({ status }) => (hasEnded(status) ? 201 : isAtRest(status) ? 202 : undefined),
  });
}

export const handler = httpHandler(routes['place-order'], contract.placeOrder, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('orders_api'),
  clock,
  stopwatch,
  ...placing(),
  sleep,
}));
