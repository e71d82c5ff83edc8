import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { MoveInRefused } from './errors.ts';
import { woocommerce } from './woocommerce.ts';

/** Where a value is: in a column, in the first of several that is not empty, or the same one for every row. */
const place = z.union([z.string().min(1), z.array(z.string().min(1)).min(1), z.strictObject({ value: z.string() })]);
export type Place = z.output<typeof place>;

const places = <K extends string>(...names: K[]) =>
  z.strictObject(
    Object.fromEntries(names.map((name) => [name, place.optional()])) as Record<K, z.ZodOptional<typeof place>>,
  );

const addressPlaces = places(
  'firstName',
  'lastName',
  'company',
  'line1',
  'line2',
  'postalCode',
  'city',
  'region',
  'country',
);
export type AddressPlaces = z.output<typeof addressPlaces>;

/** What an order of a previous shop can be here: it has ended, one way or the other. */
export const pastStatuses = ['delivered', 'confirmed', 'cancelled', 'failed'] as const;

const mapping = z.strictObject({
  /** Of the previous shop. The ids of customers and orders follow from it, so it stays the same from load to load. */
  source: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  /** Of prices and orders that name none. */
  currency: z.string().regex(/^[A-Z]{3}$/),
  /** Goes before the numbers of orders and of products without an SKU. */
  prefix: z.string().regex(/^[A-Z0-9]{1,10}$/),
  /** Grams in a unit of weight. */
  gramsPerWeight: z.number().positive(),
  products: z.strictObject({
    ...places(
      'id',
      'type',
      'sku',
      'name',
      'description',
      'price',
      'currency',
      'taxClass',
      'weight',
      'stock',
      'published',
      'categories',
      'brand',
      'parent',
    ).shape,
    /** Between a category and the one below it, and between two paths of categories. */
    categoryBelow: z.string().min(1),
    categoryNext: z.string().min(1),
    /** What `type` says of products in several forms, and of the forms. */
    withVariants: z.string(),
    variant: z.string(),
    /** Of a product in several forms, each option with its values; of a form, its one value. */
    options: z.array(z.strictObject({ name: place, values: place })).max(5),
  }),
  customers: z.strictObject({
    ...places('id', 'email', 'firstName', 'lastName', 'passwordHash', 'registered').shape,
    address: addressPlaces,
  }),
  orders: z.strictObject({
    ...places(
      'id',
      'number',
      'status',
      'currency',
      'date',
      'changed',
      'customerId',
      'email',
      'phone',
      'total',
      'shipping',
      'shippingTax',
      'shippingMethod',
      'coupon',
      'paymentMethod',
      'note',
      'lines',
    ).shape,
    /** Fields of an item of `lines`. The total is after discounts, without tax; the tax is that of the whole line. */
    line: places('sku', 'productId', 'name', 'quantity', 'subtotal', 'total', 'tax'),
    billing: addressPlaces,
    delivery: addressPlaces,
    statuses: z.record(z.string(), z.enum(pastStatuses)),
  }),
});
export type Mapping = z.output<typeof mapping>;

/**
 * The mapping of a file, which names what differs from the one of WooCommerce; without a file that one.
 * @throws MoveInRefused
 */
export async function readMapping(file: string | undefined): Promise<Mapping> {
  if (file === undefined) return mapping.parse(woocommerce);
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new MoveInRefused(`The mapping file ${file} cannot be read.`, { cause });
  });
  let own: unknown;
  try {
    own = JSON.parse(text);
  } catch (cause) {
    throw new MoveInRefused(`The mapping file ${file} is not JSON.`, { cause });
  }
  const result = mapping.safeParse(merge(woocommerce, own));
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new MoveInRefused(`The mapping file ${file} is not valid. ${issues.join('; ')}.`);
}

/** Objects are joined; an array, a text or a place with one value replaces what was there. */
function merge(base: unknown, own: unknown): unknown {
  if (!isObject(base) || !isObject(own) || 'value' in own) return own;
  const names = new Set([...Object.keys(base), ...Object.keys(own)]);
  return Object.fromEntries([...names].map((name) => [name, name in own ? merge(base[name], own[name]) : base[name]]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
