import { insertExport } from '../../lib/analytics/exports/exports.sql.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/report-exports.ts';
import { idempotent, type KeyOptions } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored, toStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { config } from '../../lib/platform/config.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; keys: KeyOptions; hasFiles: boolean };

/** Keeps what is asked for. The job run-report-exports makes it. */
export async function run(
  request: Request<typeof contract.createReportExport, App>,
  { sql, clock, keys, hasFiles }: Deps,
): Promise<Result> {
  if (!hasFiles) throw new DependencyUnavailable('files');
  const claim = claimOf('create-report-export', request);
  const { answer, replayed } = await idempotent(sql(), claim, keys, async (tx) => {
    const added = await insertExport(tx, request.caller.application.id, request.body, clock);
    const headers = { location: `/reports/exports/${added.id}` };
    return toStored({ status: 202, headers, body: { ...added, download: null } });
  });
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['create-report-export'], contract.createReportExport, run, ({ clock }) => ({
  sql: () => sqlAs('reports_api'),
  clock,
  keys: idempotency('reports.idempotency_keys'),
  hasFiles: config().REPORT_FILES_BUCKET !== undefined,
}));
