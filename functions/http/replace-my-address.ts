import { replaceAddress } from '../../lib/accounts/customers/addresses.sql.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-addresses.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { checkAddress } from '../../lib/shop/orders/check-addresses.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock };

export async function run(
  { caller, path, body, condition }: Request<typeof contract.replaceMyAddress, Customer>,
  { sql, clock }: Deps,
): Promise<Result> {
  checkAddress(body.address);
  const of = { customerId: caller.customerId, id: path.addressId };
  const kept = await inTransaction(sql(), (tx) => replaceAddress(tx, of, body, condition, clock));
  return { status: 200, body: kept, etag: versionTag(kept.version) };
}

export const handler = httpHandler(routes['replace-my-address'], contract.replaceMyAddress, run, ({ clock }) => ({
  sql: () => sqlAs('customers_api'),
  clock,
}));
