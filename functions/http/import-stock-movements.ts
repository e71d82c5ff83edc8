import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/imports.ts';
import { idempotent, type KeyOptions } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored, toStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { insertImport } from '../../lib/shop/imports/imports.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; keys: KeyOptions };

/** Keeps the file. The job run-imports reads it. */
export async function run(request: Request<typeof contract.importStockMovements, App>, deps: Deps): Promise<Result> {
  const { body, caller, requestId } = request;
  const { answer, replayed } = await idempotent(
    deps.sql(),
    claimOf('import-stock-movements', request),
    deps.keys,
    async (tx) => {
      const file = {
        kind: 'stock-movements' as const,
        format: contract.importFormats[body.type as keyof typeof contract.importFormats],
        content: body.text,
        applicationId: caller.application.id,
        requestId,
      };
      const added = await insertImport(tx, file, deps.clock);
      return toStored({ status: 202, headers: { location: `/imports/${added.id}` }, body: added });
    },
  );
  return fromStored(answer, replayed);
}

export const handler = httpHandler(
  routes['import-stock-movements'],
  contract.importStockMovements,
  run,
  ({ clock }) => ({
    sql: () => sqlAs('catalog_api'),
    clock,
    keys: idempotency('catalog.idempotency_keys'),
  }),
);
