import type { App } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import * as contract from '../../lib/contract/api/manual-review.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { findOrders, positionForm } from '../../lib/operations/manual-review/find.sql.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { query }: Request<typeof contract.findOrders, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const { limit, cursor, status, olderThan } = query;
  const now = clock.now();
  const list = `find-orders ${status} ${olderThan ?? ''}`;
  const after = cursor === undefined ? undefined : decodeCursor(list, cursor, positionForm);
  const changedBefore = olderThan === undefined ? undefined : new Date(now - contract.secondsOf(olderThan) * 1000);
  const found = await findOrders(sql(), { status, changedBefore, after, limit: limit + 1 }, now);
  const page = toPage(list, found, limit, ({ position }) => position);
  return { status: 200, body: { ...page, data: page.data.map(({ position, ...order }) => order) } };
}

export const handler = httpHandler(routes['find-orders'], contract.findOrders, run, ({ clock }) => ({
  sql: () => sqlAs('manual_review'),
  clock,
}));
