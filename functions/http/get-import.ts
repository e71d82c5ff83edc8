import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/imports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { findImport } from '../../lib/shop/imports/imports.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path, caller }: Request<typeof contract.getImport, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  return { status: 200, body: await findImport(sql(), path.importId, caller.application.id) };
}

export const handler = httpHandler(routes['get-import'], contract.getImport, run, () => ({
  sql: () => sqlAs('catalog_api'),
}));
