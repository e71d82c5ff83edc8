import * as z from 'zod/mini';
import { address, contact, details } from './address.ts';
import { prose } from './common.ts';
import type { OperationContract } from './operation.ts';
import { order, orderPath, personalOfOrder } from './orders.ts';

export const updateOrder = {
  summary: 'Change the addresses, the contact, the note or the metadata of an order',
  description:
    'Changes the fields that are sent, until the order ships; null removes one. Customers change their own orders, guests with the `Order-Token` theirs, and applications with a key any. What the price was computed from stays: the country and region of an order with shipping or tax, and the VAT number of one without. Lines do not change.',
  path: orderPath,
  body: z.strictObject({
    shippingAddress: z.optional(z.nullable(address)),
    billingAddress: z.optional(z.nullable(address)),
    contact: z.optional(z.nullable(contact)),
    note: z.optional(z.nullable(prose(1000))),
    metadata: z.optional(z.nullable(details.metadata.def.innerType)),
  }),
  responses: { 200: order },
  headers: ['ETag'],
  personal: personalOfOrder,
  problems: [
    'not-found',
    'order-archived',
    'order-ended',
    'order-shipped',
    'address-changes-price',
    'version-stale',
    'contact-missing',
    'country-unknown',
    'postal-code-invalid',
  ],
  ifMatch: true,
  orderToken: true,
} as const satisfies OperationContract;
