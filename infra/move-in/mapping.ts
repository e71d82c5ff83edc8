import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { MoveInRefused } from './errors.ts';
import { medusa } from './medusa.ts';
import { shopify } from './shopify.ts';
import { woocommerce } from './woocommerce.ts';

const column = z.string().min(1);
const query = column.optional();
const one = z.union([column, z.strictObject({ value: z.string() })]);
/** Where a value is: in a column, in the first of several that is not empty, the same one for every row, or several with / between. */
const place = z.union([one, z.array(one).min(1), z.strictObject({ join: z.array(column).min(2) })]);
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

/** Of an address that a customer keeps, besides whether it is a default: 1, true or yes. */
const keptPlaces = z.strictObject({ ...addressPlaces.shape, ...places('defaultShipping', 'defaultBilling').shape });

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
  /** Whose tables a MySQL database has when there are no queries. */
  database: z.literal('woocommerce').optional(),
  /** Of a database: how its rows are read. Places are columns of these queries. */
  queries: z.strictObject({ products: query, customers: query, coupons: query, orders: query }).optional(),
  products: z.strictObject({
    /** The column whose value rows of one product share, where each of its variants has a row. */
    groupedBy: column.optional(),
    /** What such a row says of a product without variants. */
    noOption: z.string().optional(),
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
    /** The column whose value rows of one customer share, where each of their addresses has a row. */
    groupedBy: column.optional(),
    ...places('id', 'email', 'firstName', 'lastName', 'passwordHash', 'registered').shape,
    /** A list of addresses, as `lines` of orders. Then `address` has the fields of its items. */
    addresses: place.optional(),
    address: keptPlaces,
    /** Where further addresses are. */
    otherAddresses: z.array(keptPlaces),
  }),
  orders: z.strictObject({
    /** The column whose value rows of one order share, where each of its lines has a row. `lines` is `(rows)` then. */
    groupedBy: column.optional(),
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
      /** Of the whole order, where its lines do not say: the sums of all lines, of which the tax includes that of the shipping. */
      'tax',
      'discount',
      /** Of the goods, after discounts. */
      'subtotal',
      'shippingMethod',
      'coupon',
      /** What was given back in all, where `refunds` does not say more. */
      'refunded',
      /** A list as `lines`. */
      'refunds',
      'paymentMethod',
      'note',
      'lines',
    ).shape,
    /**
     * Fields of an item of `lines`. The total is without tax and after discounts, unless `discount` says what comes off; without a total
     * it is the price times the quantity. Tax and discount are those of the whole line.
     */
    line: places('sku', 'productId', 'name', 'quantity', 'price', 'subtotal', 'total', 'discount', 'tax'),
    /** Fields of an item of `refunds`. Its lines have the fields of `line`; without them the amount is of no line. */
    refund: places('id', 'date', 'amount', 'reason', 'lines', 'shipping', 'shippingTax'),
    billing: addressPlaces,
    delivery: addressPlaces,
    /** What a status means; `*` stands for any text. The first that matches counts. */
    statuses: z.record(z.string(), z.enum(pastStatuses)),
  }),
  coupons: z.strictObject({
    ...places('code', 'type', 'amount', 'currency', 'from', 'to', 'limit', 'customerLimit', 'used').shape,
    kinds: z.record(z.string(), z.enum(['percent', 'amount', 'free-shipping'])),
    /** Where a coupon says that it is only for some orders: then it does not move in. */
    conditions: z.array(column),
  }),
});
export type Mapping = z.output<typeof mapping>;

const ready = { woocommerce, shopify, medusa };
const isReady = (name: unknown): name is keyof typeof ready => typeof name === 'string' && Object.hasOwn(ready, name);
const empty = {
  gramsPerWeight: 1,
  prefix: 'OLD',
  products: { categoryBelow: '>', categoryNext: ',', withVariants: 'variable', variant: 'variation', options: [] },
  customers: { address: {}, otherAddresses: [] },
  orders: { line: {}, refund: {}, billing: {}, delivery: {}, statuses: {} },
  coupons: { kinds: { percent: 'percent', amount: 'amount' }, conditions: [] },
};

/**
 * The mapping of a file, or a ready one by its name; without either that of WooCommerce. A file names what differs from the mapping that
 * it is `basedOn`: by default that of WooCommerce, with `nothing` none.
 * @throws MoveInRefused
 */
export async function readMapping(file: string | undefined): Promise<Mapping> {
  if (file === undefined || isReady(file)) return mapping.parse(merge(empty, ready[file ?? 'woocommerce']));
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new MoveInRefused(`The mapping file ${file} cannot be read.`, { cause });
  });
  let own: unknown;
  try {
    own = JSON.parse(text);
  } catch (cause) {
    throw new MoveInRefused(`The mapping file ${file} is not JSON.`, { cause });
  }
  const { basedOn = 'woocommerce', ...differs } = isObject(own) ? own : { basedOn: 'nothing', own };
  if (basedOn !== 'nothing' && !isReady(basedOn))
    throw new MoveInRefused(`The mapping file ${file} is based on ${JSON.stringify(basedOn)}, which is no mapping.`);
  const result = mapping.safeParse(merge(merge(empty, basedOn === 'nothing' ? {} : ready[basedOn]), differs));
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new MoveInRefused(`The mapping file ${file} is not valid. ${issues.join('; ')}.`);
}

/** Objects are joined; an array, a text or a place with one value replaces what was there. */
function merge(base: unknown, own: unknown): unknown {
  if (!isObject(base) || !isObject(own) || 'value' in own || 'join' in own) return own;
  const names = new Set([...Object.keys(base), ...Object.keys(own)]);
  return Object.fromEntries([...names].map((name) => [name, name in own ? merge(base[name], own[name]) : base[name]]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
