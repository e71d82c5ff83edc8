import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/orders.ts';
import { storeFinalAnswer } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { idempotency } from '../../lib/platform/deps.ts';
import { startPlacing } from '../../lib/platform/executions.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { type PlaceDeps, placeOrder } from '../../lib/shop/orders/place.ts';
import { hasEnded, isAtRest } from '../../lib/shop/orders/transitions.ts';
import { type Sleep, sleep, waitForEnd } from '../../lib/shop/orders/wait.ts';
import { routes } from '../routes.ts';

type Deps = Omit<PlaceDeps, 'sql'> & { sql: () => PlaceDeps['sql']; sleep: Sleep; stopwatch: Stopwatch };

export async function run(request: Request<typeof contract.placeOrder, Customer>, deps: Deps): Promise<Result> {
  const { caller, body, waitSeconds, meter, log } = request;
  const sql = deps.sql();
  // Not from when the wait begins: a saga that is slow to start must not keep the answer beyond the handler's deadline.
  const until = deps.stopwatch.elapsed() + waitSeconds * 1000;
  const claim = { ...claimOf('place-order', request), key: request.idempotencyKey ?? '' };
  const { answer, placed, startError } = await placeOrder({ ...deps, sql }, claim, {
    customerId: caller.customerId,
    ...body,
  });
  if (placed === undefined) return fromStored(answer, true);

  meter.count('OrdersPlaced');
  if (startError !== undefined) {
    log.warn('saga not started, left to the sweeper', { orderId: placed.id, reason: String(startError) });
  }
  if (waitSeconds === 0) return fromStored(answer, false);

  const applied = { ...answer.headers, 'preference-applied': `wait=${waitSeconds}` };
  const ended = await waitForEnd({ ...deps, sql }, { orderId: placed.id, customerId: caller.customerId }, until);
  if (ended === undefined || !isAtRest(ended.status)) return fromStored({ ...answer, headers: applied }, false);

  const status = hasEnded(ended.status) ? 201 : 202;
  const final = { status, headers: applied, body: JSON.stringify(ended) };
  const stored = await storeFinalAnswer(sql, claim, deps.keys, final);
  return fromStored(stored ? final : { ...answer, headers: applied }, false);
}

export const handler = httpHandler(routes['place-order'], contract.placeOrder, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('orders_api'),
  clock,
  stopwatch,
  keys: idempotency('orders.idempotency_keys'),
  startPlacing,
  sleep,
}));
