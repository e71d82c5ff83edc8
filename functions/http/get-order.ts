import { findCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import * as contract from '../../lib/contract/api/order-parts.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { requireScope } from '../../lib/http/authorize.ts';
import { includeParts } from '../../lib/http/include.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { describeError } from '../../lib/kernel/log.ts';
import { config } from '../../lib/platform/config.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { openRoom, type ReadRoom } from '../../lib/platform/room.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { findProducts } from '../../lib/shop/catalog/products.sql.ts';
import { findOrder } from '../../lib/shop/orders/read.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; accounts: ReadRoom; catalog: ReadRoom; stopwatch: Stopwatch; timeoutMs: number };

/** A composed answer has no version of its own: its ETag is made of the whole of it. */
export async function run(
  { caller, path: { orderId }, query, log, meter, orderToken }: Request<typeof contract.getOrder, CallerOf<'client'>>,
  { sql, accounts, catalog, stopwatch, timeoutMs }: Deps,
): Promise<Result> {
  const until = stopwatch.elapsed() + timeoutMs;
  // In one order, whichever the request has, so that the same answer has the same ETag.
  const wanted = contract.orderParts.filter((part) => query.include?.includes(part));
  if (wanted.includes('products')) requireScope(caller, 'catalog:read');
  const order = await findOrder(sql(), { orderId, ...ownerOf(caller, orderId, orderToken) });
  if (order === undefined) throw new Problem('not-found', 'You have no such order.');
  if (wanted.length === 0) return { status: 200, body: order, etag: versionTag(order.version) };
  const rooms = {
    customer: async (ms: number) =>
      order.customerId === null ? null : accounts((db) => findCustomer(db, order.customerId!), ms),
    products: (ms: number) => catalog((db) => findProducts(db, productIdsOf(order)), ms),
  };
  const asked = Object.fromEntries(wanted.map((part) => [part, rooms[part]])) as Partial<typeof rooms>;
  const parts = await includeParts(asked, {
    until,
    elapsed: stopwatch.elapsed,
    onMissing: ({ part, reason }, error) => {
      meter.count('PartsMissing', 1, part);
      log.warn('part missing in an answer', { part, reason, orderId: order.id, error: describeError(error) });
    },
  });
  return { status: 200, body: { ...order, ...parts } };
}

const productIdsOf = ({ lines }: Order): string[] => lines.map(({ productId }) => productId);

export const handler = httpHandler(routes['get-order'], contract.getOrder, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('orders_api'),
  accounts: openRoom('profiles_api', clock),
  catalog: openRoom('catalog_reader', clock),
  stopwatch,
  timeoutMs: config().INCLUDE_TIMEOUT_MS,
}));
