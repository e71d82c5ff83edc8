import * as z from 'zod/mini';
import { country, page, pageQuery, period, periodInOrder, slug, taxClass, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';
import { taxRate as rate } from './orders.ts';

export const taxRate = z.object({
  code: z.string(),
  name: z.string(),
  country,
  region: z.nullable(z.string()),
  taxClass: z.string(),
  rate,
  reverseCharge: z.boolean(),
  validFrom: z.nullable(timestamp),
  validTo: z.nullable(timestamp),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type TaxRate = z.output<typeof taxRate>;

const path = z.strictObject({ code: slug });

export const listTaxRates = {
  summary: 'List tax rates, by their codes',
  query: z.strictObject({ ...pageQuery, country: z.optional(country) }),
  responses: { 200: page(taxRate) },
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;

export const putTaxRate = {
  summary: 'Add or replace a tax rate',
  description:
    'When a rate changes by law, end the old one by `validTo` and add a new one with that `validFrom`: at any time one country, region and tax class has at most one rate. Orders that were placed keep their tax. Repeating the request changes nothing more. `If-Match` replaces only the version that you read.',
  path,
  body: z
    .strictObject({
      name: text(100),
      country,
      region: z._default(
        z.nullable(z.string().check(z.trim(), z.toUpperCase(), z.minLength(1), z.maxLength(100))),
        null,
      ),
      taxClass: z._default(taxClass, 'standard'),
      rate,
      reverseCharge: z._default(z.boolean(), false),
      ...period,
    })
    .check(periodInOrder),
  responses: { 200: taxRate, 201: taxRate },
  statuses: { 200: 'The tax rate is replaced.', 201: 'The tax rate is added.' },
  headers: ['ETag'],
  problems: ['tax-rate-overlaps', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;

export const deleteTaxRate = {
  summary: 'Delete a tax rate',
  description:
    'Orders that were placed keep their tax. New ones that need the rate are refused with `tax-rate-missing`.',
  path,
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;
