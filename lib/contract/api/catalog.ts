import * as z from 'zod/mini';
import { currency, id, maxPriceAmount, money, page, pageQuery, prose, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

export const price = z.strictObject({
  amount: z.int().check(z.gte(0), z.lte(maxPriceAmount)),
  currency,
});

export const product = z.object({
  id: id('product'),
  sku: z.string(),
  name: z.string(),
  description: z.nullable(z.string()),
  price: money,
  active: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type Product = z.output<typeof product>;

const productPath = z.strictObject({ productId: id('product') });
const sku = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'is not 1 to 64 letters, digits, dots, dashes or underscores'));

export const listProducts = {
  summary: 'List the products on sale, newest first',
  description:
    'A back office, which calls with a key and the scope `catalog:write`, also lists what is not on sale by `active=false`, and finds any product by `sku`. Shared caches may keep what a request with a `Client-Id` alone gets.',
  query: z.strictObject({ ...pageQuery, active: z.optional(z.enum(['true', 'false'])), sku: z.optional(sku) }),
  responses: { 200: page(product) },
  problems: ['invalid-cursor'],
  etag: true,
  shareable: true,
} as const satisfies OperationContract;

export const getProduct = {
  summary: 'Read a product that is on sale',
  description:
    'A product that is no longer on sale (`active` is false) answers 404, except to a back office, which calls with a key and the scope `catalog:write`. Shared caches may keep what a request with a `Client-Id` alone gets.',
  path: productPath,
  responses: { 200: product },
  problems: ['not-found'],
  etag: true,
  shareable: true,
} as const satisfies OperationContract;

export const createProduct = {
  summary: 'Add a product',
  body: z.strictObject({
    sku,
    name: text(200),
    description: z.optional(z.nullable(prose(5000))),
    price,
    active: z._default(z.boolean(), true),
  }),
  responses: { 201: product },
  headers: ['Location', 'ETag'],
  problems: ['sku-taken'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const updateProduct = {
  summary: 'Change a product; existing orders keep their prices and names',
  path: productPath,
  body: z
    .strictObject({
      sku: z.optional(sku),
      name: z.optional(text(200)),
      description: z.optional(z.nullable(prose(5000))),
      price: z.optional(price),
      active: z.optional(z.boolean()),
    })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: product },
  problems: ['not-found', 'sku-taken', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;
