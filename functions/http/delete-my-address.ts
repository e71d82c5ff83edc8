import { deleteAddress } from '../../lib/accounts/customers/addresses.sql.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-addresses.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run(
  { caller, path }: Request<typeof contract.deleteMyAddress, Customer>,
  { sql }: Deps,
): Promise<Result> {
  await deleteAddress(sql(), { customerId: caller.customerId, id: path.addressId });
  return { status: 204 };
}

export const handler = httpHandler(routes['delete-my-address'], contract.deleteMyAddress, run, () => ({
  sql: () => sqlAs('customers_api'),
}));
