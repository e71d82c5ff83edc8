import { listAddresses } from '../../lib/accounts/customers/addresses.sql.ts';
import { exportAccount } from '../../lib/accounts/customers/export.sql.ts';
import { exportFeedEntries } from '../../lib/accounts/customers/feeds.sql.ts';
import { listIdentities } from '../../lib/accounts/identities/identities.sql.ts';
import { listOwnSessions } from '../../lib/auth/sessions/customer-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import { decodeCursor, encodeCursor } from '../../lib/contract/api/cursor.ts';
import * as contract from '../../lib/contract/api/privacy.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { type Clock, toTimestamp } from '../../lib/kernel/clock.ts';
import { exportAccesses } from '../../lib/operations/audit/export.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { sessionStore } from '../../lib/platform/stores.ts';
import { exportOrders } from '../../lib/shop/orders/export.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; sessions: SessionStore; clock: Clock };

const mostOrders = 100;
/** Where the next document begins: after an order, and at a page of accesses; `end` when there are no more. */
const position = /^(?:ord_[0-9a-f]{32}|end)\.(?:[\w-]{1,300}|end)$/;

export async function run(
  { caller, query }: Request<typeof contract.exportMe, CallerOf<'session'>>,
  { sql, sessions, clock }: Deps,
): Promise<Result> {
  const { customerId } = caller;
  const list = `export-me ${customerId}`;
  const from = query.cursor === undefined ? undefined : decodeCursor(list, query.cursor, position).split('.');
  const [before, page] = from ?? [];
  const found = before === 'end' ? [] : await exportOrders(sql(), { customerId, before, limit: mostOrders + 1 });
  const accesses = await exportAccesses(sql(), customerId, page, clock);
  const orders = found.slice(0, mostOrders);
  const last = found.length > mostOrders ? orders.at(-1)!.id : 'end';
  const hasMore = last !== 'end' || accesses.next !== 'end';
  const document: contract.CustomerExport = {
    takenAt: toTimestamp(clock.now()),
    ...(await exportAccount(sql(), customerId)),
    addresses: await listAddresses(sql(), customerId),
    identities: await listIdentities(sql(), customerId),
    sessions: await listOwnSessions(sessions, caller.session),
    feedEntries: await exportFeedEntries(sql(), customerId),
    orders,
    accesses: accesses.data,
    hasMore,
    nextCursor: hasMore ? encodeCursor(list, `${last}.${accesses.next}`) : null,
  };
  return { status: 200, body: document };
}

export const handler = httpHandler(routes['export-me'], contract.exportMe, run, ({ clock }) => ({
  sql: () => sqlAs('customer_export'),
  sessions: sessionStore(),
  clock,
}));
