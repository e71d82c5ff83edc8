import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/events.ts';
import { withoutPersonalData } from '../../lib/contract/events/domain-events.ts';
import { readFeed } from '../../lib/events/feed.sql.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { type Sleep, sleep } from '../../lib/shop/orders/wait.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; stopwatch: Stopwatch; sleep: Sleep };

/** How often a waiting request looks, in milliseconds. */
const pauseMs = 250;

export async function run(
  { caller, query, waitUntil }: Request<typeof contract.listEvents, App>,
  { sql, stopwatch, sleep }: Deps,
): Promise<Result> {
  let page = await readFeed(sql(), query);
  while (page.data.length === 0 && stopwatch.elapsed() < waitUntil) {
    await sleep(Math.min(pauseMs, waitUntil - stopwatch.elapsed()));
    page = await readFeed(sql(), { ...query, after: page.next });
  }
  if (caller.application.scopes.includes('customers:read')) return { status: 200, body: page };
  return { status: 200, body: { ...page, data: page.data.map(withoutPersonalData) } };
}

export const handler = httpHandler(routes['list-events'], contract.listEvents, run, ({ stopwatch }) => ({
  sql: () => sqlAs('events_api'),
  stopwatch,
  sleep,
}));
