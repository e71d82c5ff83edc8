import * as z from 'zod/mini';
import {
  currency,
  id,
  keepableJson,
  maxPriceAmount,
  money,
  page,
  pageQuery,
  prose,
  taxClass,
  text,
  timestamp,
  version,
} from './common.ts';
import type { OperationContract } from './operation.ts';

export const price = z.strictObject({
  amount: z.int().check(z.gte(0), z.lte(maxPriceAmount)),
  currency,
});

export const image = z.object({ url: z.string(), alt: z.string() });

const attribute = z.union([z.string(), z.number(), z.boolean()]);

export const productOption = z.object({ name: z.string(), values: z.array(z.string()) });

export const product = z.object({
  id: id('product'),
  parentId: z.nullable(id('product')),
  sku: z.string(),
  name: z.string(),
  description: z.nullable(z.string()),
  categoryId: z.nullable(id('category')),
  brand: z.nullable(z.string()),
  images: z.array(image),
  attributes: z.record(z.string(), attribute),
  metadata: z.record(z.string(), z.unknown()),
  options: z.array(productOption),
  optionValues: z.record(z.string(), z.string()),
  price: money,
  priceRange: z.object({ from: money, to: money }),
  costPrice: z.optional(money),
  taxClass: z.string(),
  weight: z.nullable(z.int()),
  active: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type Product = z.output<typeof product>;

export const listedProduct = z.extend(product, { availability: z.enum(['in_stock', 'low', 'out_of_stock']) });
export const variant = z.object({
  id: id('product'),
  sku: z.string(),
  name: z.string(),
  optionValues: z.record(z.string(), z.string()),
  images: z.array(image),
  price: money,
  costPrice: z.optional(money),
  weight: z.nullable(z.int()),
  active: z.boolean(),
  version,
});
export type Variant = z.output<typeof variant>;

export const productWithVariants = z.extend(product, { variants: z.array(variant) });
export type ProductWithVariants = z.output<typeof productWithVariants>;
export type ListedProduct = z.output<typeof listedProduct>;

const productSort = z.enum(['-createdAt', 'createdAt', 'price', '-price', 'relevance']);
export type ProductSort = z.output<typeof productSort>;

const productPath = z.strictObject({ productId: id('product') });
const sku = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'is not 1 to 64 letters, digits, dots, dashes or underscores'));

/** An address that any page may show: absolute, with HTTPS, without a password, and in the letters of a URL. */
const isImageUrl = (value: string): boolean => {
  const url = /^[!-~]+$/.test(value) ? URL.parse(value) : null;
  return url?.protocol === 'https:' && url.username === '' && url.password === '';
};

const attributeName = z
  .string()
  .check(z.regex(/^[A-Za-z][A-Za-z0-9_-]{0,49}$/, 'is not a name of 1 to 50 letters, digits, dashes or underscores'));

/** The most variants of a product: all of them are in one answer. */
export const maxVariants = 100;

const options = z
  .array(z.strictObject({ name: text(50), values: z.array(text(50)).check(z.minLength(1), z.maxLength(maxVariants)) }))
  .check(z.minLength(1), z.maxLength(5));
const optionValues = z.record(z.string().check(z.minLength(1), z.maxLength(50)), text(50));

const images = z
  .array(
    z.strictObject({
      url: z.string().check(z.maxLength(1000), z.refine(isImageUrl, 'is not an https address')),
      alt: text(300),
    }),
  )
  .check(z.maxLength(20), ...keepableJson(16_384));
const metadata = z.record(z.string(), z.unknown()).check(...keepableJson(4096));
const weight = z.int().check(z.gte(0), z.lte(100_000_000));

/**
 * What else a client may say of a product. A page of a hundred products fits into one answer of a function (6 MB), because
 * lists have a limit in bytes too.
 */
const details = {
  description: z.optional(z.nullable(prose(5000))),
  categoryId: z.optional(z.nullable(id('category'))),
  brand: z.optional(z.nullable(text(100))),
  images: z.optional(images),
  attributes: z.optional(
    z
      .record(attributeName, z.union([text(200), z.number(), z.boolean()], 'is not text, a number, true or false'))
      .check(
        z.refine((value) => Object.keys(value).length <= 50, 'has more than 50 attributes'),
        ...keepableJson(8192),
      ),
  ),
  metadata: z.optional(metadata),
  costPrice: z.optional(z.nullable(price)),
  taxClass: z.optional(taxClass),
  weight: z.optional(z.nullable(weight)),
};

const priceLimit = z.coerce.number().check(z.int(), z.gte(0), z.lte(maxPriceAmount));

export const listProducts = {
  summary: 'List the products on sale, newest first',
  description:
    'A back office, which calls with a key and the scope `catalog:write`, also lists what is not on sale by `active=false`, and finds any product by `sku`. All that is asked for must be met. `q` searches name, SKU, brand, attributes and description for all its words in any form; the last may be the beginning of a word, and of a word of a description if nothing else begins so. When nothing has them all, words that no product has are taken for the most similar ones. What it finds comes by relevance: the 100 newest matches are put in order, so use more words to find older ones. `availability` is that of ten seconds ago at most, where a key with `catalog:write` or `reports:read` does not read it now. How many there are is in `GET /products/{productId}/stock-movements`. A product with options is listed once: with the range of the prices of its variants on sale, of which the lowest counts for `priceFrom`, `priceTo` and `sort`, and with the best availability among them. `q` finds it by the SKUs of its variants too; `sku` finds the variant itself. Shared caches may keep what a request with a `Client-Id` alone gets.',
  query: z
    .strictObject({
      ...pageQuery,
      q: z.optional(text(200)),
      category: z.optional(id('category')),
      brand: z.optional(text(100)),
      attribute: z.optional(
        z
          .record(attributeName, text(200))
          .check(z.refine((asked) => Object.keys(asked).length <= 10, 'has more than 10 attributes')),
      ),
      priceFrom: z.optional(priceLimit),
      priceTo: z.optional(priceLimit),
      currency: z.optional(currency),
      inStock: z.optional(z.literal('true')),
      active: z.optional(z.enum(['true', 'false'])),
      sku: z.optional(sku),
      sort: z.optional(productSort),
    })
    .check(
      z.refine(({ priceFrom = 0, priceTo = maxPriceAmount }) => priceFrom <= priceTo, {
        path: ['priceTo'],
        error: 'is less than priceFrom',
      }),
      z.refine(({ q, sort }) => sort !== 'relevance' || q !== undefined, {
        path: ['sort'],
        error: 'is relevance, which only a search by q has',
      }),
    ),
  responses: { 200: page(listedProduct) },
  problems: ['invalid-cursor', 'category-unknown', 'search-without-words'],
  etag: true,
  shareable: true,
} as const satisfies OperationContract;

export const getProduct = {
  summary: 'Read a product that is on sale',
  description:
    'The answer has the variants of the product that are on sale. A product without options has one: itself. Name a variant’s `id` as `productId` in orders, quotes and stock movements. A product that is no longer on sale (`active` is false) answers 404, except to a back office, which calls with a key and the scope `catalog:write`. Shared caches may keep what a request with a `Client-Id` alone gets.',
  path: productPath,
  responses: { 200: productWithVariants },
  problems: ['not-found'],
  etag: true,
  shareable: true,
} as const satisfies OperationContract;

export const createProduct = {
  summary: 'Add a product',
  body: z.strictObject({
    sku,
    name: text(200),
    ...details,
    options: z.optional(options),
    price,
    active: z._default(z.boolean(), true),
  }),
  responses: { 201: productWithVariants },
  headers: ['Location', 'ETag'],
  problems: ['sku-taken', 'category-unknown', 'option-repeated'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const listVariants = {
  summary: 'List the variants of a product, with their availability',
  description:
    'Lists the variants that are on sale, oldest first: all of them, and at most 100. A back office, which calls with a key and the scope `catalog:write`, sees those off sale too. A product without options has one: itself. `availability` is that of ten seconds ago at most. Shared caches may keep what a request with a `Client-Id` alone gets.',
  path: productPath,
  responses: { 200: z.object({ data: z.array(listedProduct) }) },
  problems: ['not-found'],
  etag: true,
  shareable: true,
} as const satisfies OperationContract;

export const createVariant = {
  summary: 'Add a variant to a product with options',
  description:
    'A variant is a product of its own, with its own id, SKU, price and stock: name its `id` wherever a `productId` is sold or stocked, and change it with `PATCH /products/{productId}`. It shares category, brand, tax class, description and attributes with its product. What you leave out of `costPrice` and `weight` it takes from the product as it is now; its name becomes that of the product, followed by its values.',
  path: productPath,
  body: z.strictObject({
    sku,
    optionValues,
    name: z.optional(text(200)),
    images: z.optional(images),
    metadata: z.optional(metadata),
    price,
    costPrice: z.optional(z.nullable(price)),
    weight: z.optional(z.nullable(weight)),
    active: z._default(z.boolean(), true),
  }),
  responses: { 201: productWithVariants },
  headers: ['Location', 'ETag'],
  problems: [
    'not-found',
    'product-without-options',
    'options-not-met',
    'variant-exists',
    'too-many-variants',
    'sku-taken',
    'currencies-mixed',
  ],
  idempotency: 'accepted',
} as const satisfies OperationContract;

/** A row of a file of products. */
export const productRow = z.strictObject({
  sku,
  parentSku: z.optional(sku),
  name: z.optional(text(200)),
  ...details,
  options: z.optional(options),
  optionValues: z.optional(optionValues),
  price: z.optional(price),
  active: z.optional(z.boolean()),
});

export const updateProduct = {
  summary: 'Change a product; existing orders keep their prices and names',
  path: productPath,
  body: z
    .strictObject({
      sku: z.optional(sku),
      name: z.optional(text(200)),
      ...details,
      options: z.optional(options),
      optionValues: z.optional(optionValues),
      price: z.optional(price),
      active: z.optional(z.boolean()),
    })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: productWithVariants },
  problems: [
    'not-found',
    'sku-taken',
    'category-unknown',
    'version-stale',
    'product-has-options',
    'product-without-options',
    'product-is-variant',
    'option-repeated',
    'options-not-met',
    'variants-do-not-fit',
    'variant-exists',
    'currencies-mixed',
  ],
  ifMatch: true,
} as const satisfies OperationContract;
