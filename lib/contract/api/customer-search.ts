import * as z from 'zod/mini';
import { money, page, pageQuery, text } from './common.ts';
import { customer, customerPath, email, personal } from './customers.ts';
import type { OperationContract } from './operation.ts';
import { count } from './order-search.ts';
import { order } from './orders.ts';

export const listCustomers = {
  summary: 'List customers, newest first',
  description:
    'For the back office. `email` finds the customer with this address. `q` searches names and e-mail addresses: each of its words must be one of theirs, or the beginning of one. With `include=count` the answer says how many there are in all: exactly up to 10,000, and beyond that an estimate, with `exact` false.',
  query: z.strictObject({
    ...pageQuery,
    email: z.optional(email),
    q: z.optional(text(200)),
    include: z.optional(z.array(z.enum(['count'])).check(z.minLength(1), z.maxLength(10))),
  }),
  responses: { 200: z.extend(page(customer), { count: z.optional(count) }) },
  personal: personal.map((field) => `data.${field}`),
  problems: ['invalid-cursor', 'search-without-words'],
} as const satisfies OperationContract;

/** What `include` adds to a customer. It comes from another room. */
export const customerParts = ['orders'] as const;

/** What a customer's orders of one currency come to. */
export const orderTotals = z.object({
  currency: z.string(),
  orders: z.int(),
  confirmed: z.int(),
  /** Of the confirmed orders, and what was given back of it. */
  total: money,
  refunded: money,
});

/** The newest orders of a customer, and what all of them come to. */
export const customerOrders = z.object({ count, totals: z.array(orderTotals), latest: z.array(order) });
export type CustomerOrders = z.output<typeof customerOrders>;

export const customerWithOrders = z.extend(customer, {
  included: z.optional(z.object({ orders: z.nullable(customerOrders) })),
  missing: z.optional(z.array(z.object({ part: z.enum(customerParts), reason: z.enum(['timed-out', 'unavailable']) }))),
});

export const getCustomer = {
  summary: 'Read a customer',
  description:
    'With `include=orders`, which needs the scope `orders:read`, it also shows their ten newest orders, how many they have placed, and what those come to in each currency: of the newest 10,000, if there are more. The customer always comes: orders that do not come in time are null, and `missing` says why. `GET /orders?customerId=` lists all of them.',
  path: customerPath,
  query: z.strictObject({
    include: z.optional(z.array(z.enum(customerParts)).check(z.minLength(1), z.maxLength(10))),
  }),
  responses: { 200: customerWithOrders },
  personal,
  problems: ['not-found'],
  etag: true,
} as const satisfies OperationContract;
