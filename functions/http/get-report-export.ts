import { findExport } from '../../lib/analytics/exports/exports.sql.ts';
import { fileOf } from '../../lib/analytics/exports/file-of.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/report-exports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { type Clock, toTimestamp } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type ReportFiles, reportFiles } from '../../lib/platform/report-files.gateway.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; files: ReportFiles | undefined };

export async function run(
  { path, caller }: Request<typeof contract.getReportExport, App>,
  { sql, clock, files }: Deps,
): Promise<Result> {
  const found = await findExport(sql(), path.exportId, caller.application.id);
  if (found.status !== 'completed' || files === undefined) return { status: 200, body: { ...found, download: null } };
  const seconds = contract.exportLinkSeconds;
  const expiresAt = toTimestamp(clock.now() + seconds * 1000);
  const fileName = `${found.report}-${found.asOf?.replaceAll(/[:.]/g, '')}.${found.format}`;
  const url = await files.linkTo(fileOf(found), { seconds, fileName });
  return { status: 200, body: { ...found, download: { url, expiresAt } } };
}

export const handler = httpHandler(routes['get-report-export'], contract.getReportExport, run, ({ clock }) => ({
  sql: () => sqlAs('reports_api'),
  clock,
  files: reportFiles(),
}));
