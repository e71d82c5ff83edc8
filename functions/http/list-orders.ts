import { findIdByEmail } from '../../lib/accounts/customers/customers.sql.ts';
import type { App, Customer } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import * as contract from '../../lib/contract/api/order-search.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { requireScope } from '../../lib/http/authorize.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { listOrders } from '../../lib/shop/orders/read.sql.ts';
import { countOrders, searchOrders } from '../../lib/shop/orders/search.sql.ts';
import { routes } from '../routes.ts';

type Query = Request<typeof contract.listOrders>['query'];
/** `sql` for customers, `all` and `accounts` for applications. */
type Deps = { sql: () => Sql; all: () => Sql; accounts: () => Sql };

export async function run(
  { caller, query }: Request<typeof contract.listOrders, Customer | App>,
  deps: Deps,
): Promise<Result> {
  if (caller.kind === 'customer') return { status: 200, body: await ownOrders(deps, caller, query) };
  if (query.email !== undefined) requireScope(caller, 'customers:read');
  return { status: 200, body: await allOrders(deps, query) };
}

async function ownOrders({ sql }: Deps, { customerId }: Customer, { limit, cursor, status, number, ...others }: Query) {
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new Problem('forbidden', `The parameter ${other} is for applications with a key.`);
  }
  const list = `list-orders ${customerId} ${status ?? ''} ${number ?? ''}`;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  return toPage(list, await listOrders(sql(), { customerId, status, number, before, limit: limit + 1 }), limit);
}

async function allOrders({ all, accounts }: Deps, query: Query) {
  const { limit, cursor, sort, include, email, from, to, ...others } = query;
  const filter = {
    ...others,
    ...(email === undefined ? {} : { person: { email, customerId: await findIdByEmail(accounts(), email) } }),
    ...(from === undefined ? {} : { from: Date.parse(from) }),
    ...(to === undefined ? {} : { to: Date.parse(to) }),
  };
  const [page, count] = await Promise.all([
    searchOrders(all(), filter, { sort, limit, cursor }),
    include && countOrders(all(), filter),
  ]);
  return { ...page, ...(count === undefined ? {} : { count }) };
}

export const handler = httpHandler(routes['list-orders'], contract.listOrders, run, () => ({
  sql: () => sqlAs('orders_api'),
  all: () => sqlAs('back_office_api'),
  accounts: () => sqlAs('profiles_api'),
}));
