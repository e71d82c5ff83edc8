import { addAddress } from '../../lib/accounts/customers/addresses.sql.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-addresses.ts';
import { idempotent, type KeyOptions } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored, toStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { checkAddress } from '../../lib/shop/orders/check-addresses.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; keys: KeyOptions };

export async function run(request: Request<typeof contract.addMyAddress, Customer>, deps: Deps): Promise<Result> {
  checkAddress(request.body.address);
  const { answer, replayed } = await idempotent(
    deps.sql(),
    claimOf('add-my-address', request),
    deps.keys,
    async (tx) => {
      const kept = await addAddress(tx, request.caller.customerId, request.body, deps.clock);
      const headers = { location: `/customers/me/addresses/${kept.id}`, etag: versionTag(kept.version) };
      return toStored({ status: 201, headers, body: kept });
    },
  );
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['add-my-address'], contract.addMyAddress, run, ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  clock,
  keys: idempotency('customers.idempotency_keys'),
}));
