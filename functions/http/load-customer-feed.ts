import { loadFeed } from '../../lib/accounts/customers/feeds.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-feeds.ts';
import { importFormats } from '../../lib/contract/api/imports.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readFile } from '../../lib/shop/imports/read-file.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock };

/** Loads the rows that are right, and says what is wrong with the others. */
export async function run(
  { body, path, caller }: Request<typeof contract.loadCustomerFeed, App>,
  { sql, clock }: Deps,
): Promise<Result> {
  const format = importFormats[body.type as keyof typeof importFormats];
  const file = readFile(body.text, format, contract.feedRow);
  // Row 0 is the file.
  const fault = file.errors.find(({ row }) => row === 0);
  if (fault !== undefined)
    throw new Problem('invalid-input', fault.detail, { errors: [{ pointer: '', detail: fault.detail }] });
  const feed = { source: path.source, applicationId: caller.application.id, file };
  return { status: 200, body: await loadFeed(sql(), feed, clock) };
}

export const handler = httpHandler(routes['load-customer-feed'], contract.loadCustomerFeed, run, ({ clock }) => ({
  sql: () => sqlAs('customer_feeds'),
  clock,
}));
