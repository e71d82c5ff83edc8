import * as z from 'zod/mini';
import { country, currency, maxPriceAmount, slug, taxClass, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

/** How many shipping methods a shop has. All of them are one answer. */
export const maxShippingMethods = 200;

const amount = z.int().check(z.gte(0), z.lte(maxPriceAmount));
const tier = z.strictObject({ upTo: z.nullable(z.int().check(z.gte(0), z.lte(1_000_000_000_000))), amount });
const tiers = z.array(tier).check(
  z.minLength(1),
  z.maxLength(50),
  z.refine(
    (list) =>
      list.every(
        ({ upTo }, index) =>
          index === 0 || (upTo ?? Number.POSITIVE_INFINITY) > (list[index - 1]!.upTo ?? Number.POSITIVE_INFINITY),
      ),
    'does not rise from tier to tier; only the last can have no limit',
  ),
);

export const shippingCosts = {
  FlatShippingCost: z.strictObject({ type: z.literal('flat'), amount }),
  ShippingCostByWeight: z.strictObject({ type: z.literal('by-weight'), tiers }),
  ShippingCostByTotal: z.strictObject({ type: z.literal('by-total'), tiers }),
};
const cost = z.discriminatedUnion('type', [
  shippingCosts.FlatShippingCost,
  shippingCosts.ShippingCostByWeight,
  shippingCosts.ShippingCostByTotal,
]);
export type ShippingCost = z.output<typeof cost>;

const fields = {
  name: text(100),
  position: z._default(z.int().check(z.gte(0), z.lte(1_000_000)), 0),
  countries: z._default(z.nullable(z.array(country).check(z.minLength(1), z.maxLength(300))), null),
  currency,
  cost,
  freeAbove: z._default(z.nullable(amount), null),
  taxClass: z._default(taxClass, 'standard'),
  active: z._default(z.boolean(), true),
};

export const shippingMethod = z.object({
  code: z.string(),
  name: z.string(),
  position: z.int(),
  countries: z.nullable(z.array(z.string())),
  currency,
  cost,
  freeAbove: z.nullable(z.int()),
  taxClass: z.string(),
  active: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type ShippingMethod = z.output<typeof shippingMethod>;

const path = z.strictObject({ code: slug });

export const listShippingMethods = {
  summary: 'List the shipping methods to choose from',
  description:
    'They come by `position`, then by code. With `country` and `currency`, only those that serve such an order come. A back office, which calls with a key and the scope `catalog:write`, also sees those that are not active.',
  query: z.strictObject({ country: z.optional(country), currency: z.optional(currency) }),
  responses: { 200: z.object({ data: z.array(shippingMethod) }) },
} as const satisfies OperationContract;

export const putShippingMethod = {
  summary: 'Add or replace a shipping method',
  description:
    'Orders that were placed keep what their shipping cost. Repeating the request changes nothing more. `If-Match` replaces only the version that you read.',
  path,
  body: z.strictObject(fields),
  responses: { 200: shippingMethod, 201: shippingMethod },
  statuses: { 200: 'The shipping method is replaced.', 201: 'The shipping method is added.' },
  headers: ['ETag'],
  problems: ['too-many-shipping-methods', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;

export const deleteShippingMethod = {
  summary: 'Delete a shipping method',
  description: 'Orders that were placed keep what their shipping cost.',
  path,
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;
