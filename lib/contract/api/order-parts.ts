import * as z from 'zod/mini';
import { product } from './catalog.ts';
import { customer, personal } from './customers.ts';
import type { OperationContract } from './operation.ts';
import { order, orderPath, personalOfOrder } from './orders.ts';

/** What `include` adds to an order. Each part comes from another room. */
export const orderParts = ['customer', 'products'] as const;
export type OrderPart = (typeof orderParts)[number];

export const missingPart = z.object({ part: z.enum(orderParts), reason: z.enum(['timed-out', 'unavailable']) });

/** An order, and with `include` what was asked for besides: null where it is missing. */
export const orderWithParts = z.extend(order, {
  included: z.optional(
    z.object({ customer: z.optional(z.nullable(customer)), products: z.optional(z.nullable(z.array(product))) }),
  ),
  missing: z.optional(z.array(missingPart)),
});

export const getOrder = {
  summary: 'Read an order',
  description:
    'Shows one of the customer’s own orders, the one that a guest has the `Order-Token` of, or to an application with a key any order. An order goes on by itself: ask again until its status is an end. With `include` it also shows the customer, and the products as the catalogue has them now; `products` needs the scope `catalog:read`. All of them have one second together. The order always comes: a part that does not come in time is null, and `missing` says why.',
  path: orderPath,
  query: z.strictObject({
    include: z.optional(z.array(z.enum(orderParts)).check(z.minLength(1), z.maxLength(10))),
  }),
  responses: { 200: orderWithParts },
  personal: [...personalOfOrder, ...personal.map((field) => `included.customer.${field}`)],
  problems: ['not-found'],
  etag: true,
  orderToken: true,
} as const satisfies OperationContract;
