import * as contract from '../../lib/contract/api/orders.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { checkAddresses } from '../../lib/shop/orders/check-addresses.ts';
import { priceOrder } from '../../lib/shop/pricing/price.ts';
import { readPriceable } from '../../lib/shop/pricing/priceable.sql.ts';
import { toQuote } from '../../lib/shop/pricing/quote.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run(
  request: Request<typeof contract.createQuote, CallerOf<'client'>>,
  deps: Deps,
): Promise<Result> {
  const { lines } = request.body;
  checkAddresses(request.body);
  const customerId = request.caller.kind === 'customer' ? request.caller.customerId : null;
  const productIds = [...new Set(lines.map((line) => line.productId))];
  const { premium, products } = await readPriceable(deps.sql(), { customerId, productIds });
  return { status: 200, body: toQuote(priceOrder({ lines, products, premium })) };
}

export const handler = httpHandler(routes['create-quote'], contract.createQuote, run, () => ({
  sql: () => sqlAs('orders_api'),
}));
