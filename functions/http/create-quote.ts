import * as contract from '../../lib/contract/api/orders.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { pricing } from '../../lib/platform/pricing.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { checkAddresses } from '../../lib/shop/orders/check-addresses.ts';
import { basketOf, type Pricing, priceBasket } from '../../lib/shop/pricing/basket.ts';
import { readPriceable } from '../../lib/shop/pricing/priceable.sql.ts';
import { toQuote } from '../../lib/shop/pricing/quote.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; pricing: Pricing };

export async function run(
  { body, caller }: Request<typeof contract.createQuote, CallerOf<'client'>>,
  deps: Deps,
): Promise<Result> {
  checkAddresses(body);
  const customerId = caller.kind === 'customer' ? caller.customerId : null;
  const at = deps.clock.now();
  const read = await readPriceable(deps.sql(), basketOf(body, customerId, at));
  const priced = await priceBasket(body, read, { ...deps.pricing, at, placing: false, customerId });
  return { status: 200, body: toQuote(priced) };
}

export const handler = httpHandler(routes['create-quote'], contract.createQuote, run, ({ clock }) => ({
  sql: () => sqlAs('orders_api'),
  clock,
  pricing: pricing(),
}));
