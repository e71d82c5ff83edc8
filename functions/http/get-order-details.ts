import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/order-details.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { findOrderDetails, shownTo } from '../../lib/events/read-models/read-orders.sql.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock, Stopwatch } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { type Sleep, sleep } from '../../lib/shop/orders/wait.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; stopwatch: Stopwatch; sleep: Sleep };

const waitMs = 2000;
const pauseMs = 100;

export async function run(
  { caller, path, query }: Request<typeof contract.getOrderDetails, App>,
  { sql, clock, stopwatch, sleep }: Deps,
): Promise<Result> {
  const until = stopwatch.elapsed() + waitMs;
  const wanted = { orderId: path.orderId, minSequence: query.minSequence };
  let found = await findOrderDetails(sql(), wanted, clock.now());
  while (found.behind && stopwatch.elapsed() < until) {
    await sleep(pauseMs);
    found = await findOrderDetails(sql(), wanted, clock.now());
  }
  const { order, behind, readModel } = found;
  if (behind) {
    throw new Problem('read-model-behind', `The copy is ${readModel.lagSeconds} seconds old. Try again.`, {
      headers: { 'retry-after': '1' },
    });
  }
  if (order === undefined) throw new Problem('not-found', 'This order does not exist.');
  return { status: 200, body: { data: shownTo(caller)(order), readModel } };
}

export const handler = httpHandler(
  routes['get-order-details'],
  contract.getOrderDetails,
  run,
  ({ clock, stopwatch }) => ({ sql: () => sqlAs('back_office_api'), clock, stopwatch, sleep }),
);
