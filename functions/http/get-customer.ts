import { findCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-search.ts';
import { requireScope } from '../../lib/http/authorize.ts';
import { includeParts } from '../../lib/http/include.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { describeError } from '../../lib/kernel/log.ts';
import { config } from '../../lib/platform/config.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { openRoom, type ReadRoom } from '../../lib/platform/room.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readCustomerOrders } from '../../lib/shop/orders/totals.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; shop: ReadRoom; stopwatch: Stopwatch; timeoutMs: number };

export async function run(
  { caller, path, query, log, meter }: Request<typeof contract.getCustomer, App>,
  { sql, shop, stopwatch, timeoutMs }: Deps,
): Promise<Result> {
  const until = stopwatch.elapsed() + timeoutMs;
  if (query.include !== undefined) requireScope(caller, 'orders:read');
  const customer = await findCustomer(sql(), path.customerId);
  if (query.include === undefined) return { status: 200, body: customer, etag: versionTag(customer.version) };
  const orders = (ms: number) => shop((db) => readCustomerOrders(db, customer.id), ms);
  const parts = await includeParts(
    { orders },
    {
      until,
      elapsed: stopwatch.elapsed,
      onMissing: ({ part, reason }, error) => {
        meter.count('PartsMissing', 1, part);
        log.warn('part missing in an answer', { part, reason, customerId: customer.id, error: describeError(error) });
      },
    },
  );
  return { status: 200, body: { ...customer, ...parts } };
}

export const handler = httpHandler(routes['get-customer'], contract.getCustomer, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('profiles_api'),
  shop: openRoom('back_office_api', clock),
  stopwatch,
  timeoutMs: config().INCLUDE_TIMEOUT_MS,
}));
