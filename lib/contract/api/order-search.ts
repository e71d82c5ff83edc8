import * as z from 'zod/mini';
import { currency, id, page, pageQuery, timestamp } from './common.ts';
import { email } from './customers.ts';
import type { OperationContract } from './operation.ts';
import { fulfilmentStatuses, order, orderNumber, orderStatuses, personalOfOrder } from './orders.ts';

/** Lists count up to so many exactly. */
export const mostCounted = 10_000;

/** How many a list has in all. Up to `mostCounted` it is exact, beyond that an estimate. */
export const count = z.object({ value: z.int().check(z.gte(0)), exact: z.boolean() });
export type Count = z.output<typeof count>;

export const orderSorts = ['-createdAt', 'createdAt', 'total', '-total'] as const;
export type OrderSort = (typeof orderSorts)[number];

const totalLimit = z.coerce.number().check(z.int(), z.gte(0));

/** What a list of orders may be narrowed by besides its status and number, and the order it comes in: for applications with a key. */
export const applicationsAlone = {
  fulfilmentStatus: z.optional(z.enum(fulfilmentStatuses)),
  customerId: z.optional(id('customer')),
  email: z.optional(email),
  productId: z.optional(id('product')),
  from: z.optional(timestamp),
  to: z.optional(timestamp),
  currency: z.optional(currency),
  totalFrom: z.optional(totalLimit),
  totalTo: z.optional(totalLimit),
  sort: z.optional(z.enum(orderSorts)),
  include: z.optional(z.array(z.enum(['count'])).check(z.minLength(1), z.maxLength(10))),
};

export const listOrders = {
  summary: 'List orders, newest first',
  description:
    'A customer gets their own orders, and may ask for one status or number. An application with a key gets the orders of all customers, also those in the archive, and may narrow the list further: all that is asked for must be met. What is to be packed is `confirmed` and `unfulfilled` or `partially_fulfilled`; what failed or was cancelled is `unfulfilled` too. `email` finds the orders of the customer who has this address now, and those, not in the archive, whose `contact` has it; it needs the scope `customers:read`. `from` and `to` are times of placing: from the first, before the second. Totals of several currencies do not compare, so `totalFrom`, `totalTo` and a sort by `total` need a `currency`. With `include=count` the answer says how many orders there are in all: exactly up to 10,000, and beyond that an estimate, with `exact` false.',
  query: z
    .strictObject({
      ...pageQuery,
      status: z.optional(z.enum(orderStatuses)),
      number: z.optional(orderNumber),
      ...applicationsAlone,
    })
    .check(
      z.refine(({ from, to }) => from === undefined || to === undefined || from < to, {
        path: ['to'],
        error: 'is not after from',
      }),
      z.refine(({ totalFrom = 0, totalTo = Number.MAX_SAFE_INTEGER }) => totalFrom <= totalTo, {
        path: ['totalTo'],
        error: 'is less than totalFrom',
      }),
      z.refine(
        ({ currency, totalFrom, totalTo, sort }) =>
          currency !== undefined || (totalFrom === undefined && totalTo === undefined && !sort?.endsWith('total')),
        { path: ['currency'], error: 'is missing: totals of several currencies do not compare' },
      ),
    ),
  responses: { 200: z.extend(page(order), { count: z.optional(count) }) },
  personal: personalOfOrder.map((field) => `data.${field}`),
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;
