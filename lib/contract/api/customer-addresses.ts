import * as z from 'zod/mini';
import { address } from './address.ts';
import { id, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

/** A customer keeps so many addresses. */
export const maxAddresses = 20;

/** An address that a customer keeps, to choose it for an order. */
export const customerAddress = z.object({
  id: id('address'),
  address,
  defaultShipping: z.boolean(),
  defaultBilling: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type CustomerAddress = z.output<typeof customerAddress>;

const fields = { address, defaultShipping: z.optional(z.boolean()), defaultBilling: z.optional(z.boolean()) };
export type CustomerAddressFields = z.output<typeof addMyAddress.body>;

const path = z.strictObject({ addressId: id('address') });
const personal = ['address'] as const;

export const listMyAddresses = {
  summary: 'List the addresses that the signed-in customer keeps, oldest first',
  description: 'All of them: there are at most 20.',
  responses: { 200: z.object({ data: z.array(customerAddress) }) },
} as const satisfies OperationContract;

export const addMyAddress = {
  summary: 'Keep an address for the signed-in customer',
  description:
    'Copy it into `shippingAddress` or `billingAddress` of an order: orders keep the address that they were sent, whatever becomes of it here. A customer has at most 20. The first one is the default for shipping and billing unless the request says otherwise; a new default takes the place of the one before.',
  body: z.strictObject(fields),
  responses: { 201: customerAddress },
  headers: ['Location', 'ETag'],
  personal,
  problems: ['country-unknown', 'postal-code-invalid', 'too-many-addresses'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const replaceMyAddress = {
  summary: 'Replace an address of the signed-in customer',
  description: 'The whole address is replaced. Whether it is a default stays as it was where the request does not say.',
  path,
  body: z.strictObject(fields),
  responses: { 200: customerAddress },
  headers: ['ETag'],
  personal,
  problems: ['not-found', 'version-stale', 'country-unknown', 'postal-code-invalid'],
  ifMatch: true,
} as const satisfies OperationContract;

export const deleteMyAddress = {
  summary: 'Delete an address of the signed-in customer',
  description: 'Orders keep theirs. If it was a default, there is none until the customer chooses another.',
  path,
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;
