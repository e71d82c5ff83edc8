import { createHmac } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hash as hashBcrypt } from 'bcryptjs';
import { hashPhpass } from '../../lib/accounts/customers/moved-in-passwords.ts';
import { MoveInRefused } from './errors.ts';

/** The last two are databases of WooCommerce, with orders in tables of their own (since 8.2) and as posts (before). */
export const shopKinds = ['woocommerce', 'shopify', 'medusa', 'wordpress', 'wordpress-posts'] as const;
export type ShopKind = (typeof shopKinds)[number];
export type Sizes = { products: number; customers: number; orders: number };

/** The e-mail address and password of a customer of the test shop, counted from 1. */
export const testCustomer = (n: number) => ({ email: `customer-${n}@old-shop.example`, password: `old password ${n}` });

const products =
  'ID,Type,SKU,Name,Published,Description,Tax class,Stock,Weight (kg),Sale price,Regular price,Categories,Parent,Attribute 1 name,Attribute 1 value(s)';
const customers =
  'customer_id,user_login,user_pass,user_email,first_name,last_name,user_registered,billing_address_1,billing_city,billing_postcode,billing_country,shipping_first_name,shipping_address_1,shipping_city,shipping_postcode,shipping_country';
const orders =
  'order_id,order_number,date,status,order_currency,customer_id,billing_first_name,billing_last_name,billing_email,billing_address_1,billing_city,billing_postcode,billing_country,payment_method,shipping_method,shipping_total,shipping_tax_total,order_total,coupon_code,line_items,refunds';
const coupons = 'code,discount_type,amount,date_expires,usage_limit,usage_limit_per_user,usage_count,minimum_amount';
const headings = { products, customers, orders, coupons };
export const first = ['Ada', 'Ben', 'Chloé', 'Dilip', 'Eva', 'Femi', 'Gül', 'Hana'];
export const last = ['Archer', 'Brandt', 'Ceylan', 'Dupont', 'Egede', 'Fischer'];

/**
 * Writes the exports of a made-up shop, the same ones each time: no data of persons. A few rows do not fit, as in real shops: a product
 * without a price, a repeated customer, one with a broken address, and orders of each such kind.
 * @throws MoveInRefused when the folder is not empty
 */
export async function writeTestShop(folder: string, kind: ShopKind, sizes: Sizes): Promise<void> {
  if ((await readdir(folder).catch(() => [])).length > 0)
    throw new MoveInRefused(
      `${folder} is not empty, so nothing was written: name a folder that is empty or does not exist.`,
    );
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(await filesOf(kind, sizes)))
    await pipeline(Readable.from(content), createWriteStream(join(folder, name)));
}

/** The lines of each file. */
type Files = Record<string, Iterable<string> | AsyncIterable<string>>;

async function filesOf(kind: ShopKind, sizes: Sizes): Promise<Files> {
  if (kind === 'shopify') return (await import('./test-shop-shopify.ts')).shopifyFiles(sizes);
  if (kind === 'medusa') return (await import('./test-shop-medusa.ts')).medusaFiles(sizes);
  if (kind !== 'woocommerce')
    return (await import('./test-shop-wordpress.ts')).wordpressFiles(sizes, { hasOrderTables: kind === 'wordpress' });
  return {
    'products.csv': table(products, productRows(sizes)),
    'customers.csv': table(customers, customerRows(sizes)),
    'coupons.csv': table(coupons, couponRows()),
    'orders.csv': table(orders, orderRows(sizes)),
  };
}

/** One that is good for ever, one that is half used, and three that do not move in. */
export function* couponRows(): Generator<unknown[]> {
  yield ['tenth', 'percent', '10', '', '', '', 7, ''];
  yield ['five-off', 'fixed_cart', '5.00', '2099-12-31', 100, 1, 40, ''];
  yield ['used-up', 'percent', '20', '', 10, '', 10, ''];
  yield ['from-fifty', 'percent', '15', '', '', '', 0, '50.00'];
  yield ['over', 'percent', '30', '2020-01-01', '', '', 3, ''];
}

/** A row under the names of its columns. */
export const named = (kind: keyof typeof headings, row: readonly unknown[]): Record<string, string> =>
  Object.fromEntries(headings[kind].split(',').map((name, at) => [name, String(row[at] ?? '')]));

/** The lines of a CSV file. */
export async function* table(heading: string, rows: Iterable<unknown[]> | AsyncIterable<unknown[]>) {
  yield `${heading}\n`;
  for await (const row of rows) yield `${row.map(cell).join(',')}\n`;
}

const cell = (value: unknown): string => {
  const text = String(value ?? '');
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Cents. */
export const priceOf = (n: number): number => 500 + ((n * 37) % 200) * 25;
export const decimal = (cents: number): string => (cents / 100).toFixed(2);

export function* productRows({ products: count }: Sizes): Generator<unknown[]> {
  for (let n = 1; n <= count; n++) {
    const description = n % 7 === 0 ? '' : `<p>Thing ${n}, made &amp; tested.</p>`;
    const category = ['Home > Kitchen', 'Home > Garden', 'Clothing', 'Office > Paper'][n % 4];
    yield [
      n,
      'simple',
      `OLD-${n}`,
      `Thing ${n}`,
      n % 50 === 0 ? 0 : 1,
      description,
      '',
      n % 60,
      '0.25',
      '',
      decimal(priceOf(n)),
      category,
      '',
      '',
      '',
    ];
  }
  const shirt = count + 1;
  yield [shirt, 'variable', 'OLD-SHIRT', 'Shirt', 1, 'A shirt.', '', '', '0.2', '', '', 'Clothing', '', 'Size', 'S, M'];
  for (const [at, size] of ['S', 'M'].entries())
    yield [
      shirt + 1 + at,
      'variation',
      `OLD-SHIRT-${size}`,
      `Shirt ${size}`,
      1,
      '',
      '',
      5,
      '',
      '',
      '19.90',
      '',
      'OLD-SHIRT',
      'Size',
      size,
    ];
  yield [shirt + 3, 'simple', 'OLD-FREE', 'Without a price', 1, '', '', 1, '', '', '', '', '', '', ''];
}

export async function* customerRows({ customers: count }: Sizes): AsyncGenerator<unknown[]> {
  for (let n = 1; n <= count; n++) {
    const { email, password } = testCustomer(n);
    const registered = `${2019 + (n % 5)}-0${1 + (n % 9)}-1${n % 10} 08:15:00`;
    yield [
      n,
      `customer${n}`,
      await oldHash(n, password),
      email,
      first[n % 8],
      last[n % 6],
      registered,
      `${n} Main Street`,
      'Berlin',
      '10115',
      'DE',
      // Every fourth has goods sent elsewhere.
      ...(n % 4 === 0 ? [first[n % 8], `${n} Work Lane`, 'Potsdam', '14467', 'DE'] : ['', '', '', '', '']),
    ];
  }
  yield [
    count + 1,
    'again',
    '',
    testCustomer(1).email.toUpperCase(),
    'Ada',
    'Archer',
    '2024-01-01 00:00:00',
    '',
    '',
    '',
    '',
  ];
  yield [count + 2, 'broken', '', 'not an address', 'Ben', 'Brandt', '2024-01-01 00:00:00', '', '', '', ''];
}

/** As cheap as each kind allows, because there are many: of phpass, and every tenth as WordPress 6.8 hashes. */
async function oldHash(n: number, password: string): Promise<string> {
  const salt = n.toString(36).padStart(8, '0');
  if (n % 10 !== 0) return hashPhpass(password, `$P$5${salt}${'.'.repeat(22)}`);
  const key = createHmac('sha384', 'wp-sha384').update(password).digest('base64');
  return `$wp${(await hashBcrypt(key, `$2b$04$${salt.padEnd(21, '0')}u`)).replace('$2b$', '$2y$')}`;
}

export function* orderRows({ products: things, customers: count, orders: all }: Sizes): Generator<unknown[]> {
  for (let n = 1; n <= all; n++) {
    const customer = n % 9 === 0 ? 0 : 1 + (n % count);
    yield orderRow(n, customer, customer === 0 ? `guest-${n}@old-shop.example` : testCustomer(customer).email, things);
  }
  const wrong = orderRow(all + 1, 1, testCustomer(1).email, things);
  yield wrong.with(17, '99999.00');
  yield orderRow(all + 2, 1, testCustomer(1).email, things).with(3, 'pending');
  yield orderRow(all + 3, count + 99, '', things);
}

function orderRow(n: number, customer: number, email: string, things: number): unknown[] {
  const thing = 1 + (n % things);
  const quantity = 1 + (n % 3);
  const price = priceOf(thing);
  const discount = n % 20 === 0 ? Math.floor(price / 10) : 0;
  const tax = Math.round(((quantity * price - discount) * 19) / 100);
  // Some things are not sold any more.
  const sku = n % 25 === 0 ? `GONE-${n}` : `OLD-${thing}`;
  const items = `name:Thing ${thing}|product_id:${thing}|sku:${sku}|quantity:${quantity}|sub_total:${decimal(quantity * price)}|total:${decimal(quantity * price - discount)}|total_tax:${decimal(tax)}`;
  const total = quantity * price - discount + tax + 490 + 93;
  const month = n % 48;
  const date = `${2021 + Math.floor(month / 12)}-${String(1 + (month % 12)).padStart(2, '0')}-${String(1 + (n % 28)).padStart(2, '0')} 12:${String(n % 60).padStart(2, '0')}:00`;
  const status = n % 30 === 0 ? 'refunded' : n % 31 === 0 ? 'failed' : n % 40 === 0 ? 'processing' : 'completed';
  // All of it ten days later, or a little of it forty days later.
  const [days, amount] =
    status === 'refunded' ? [10, total] : n % 50 === 0 && status === 'completed' ? [40, 333] : [0, 0];
  const at = new Date(Date.parse(`${date}Z`) + days * 24 * 3600_000).toISOString().slice(0, 19).replace('T', ' ');
  return [
    1000 + n,
    1000 + n,
    date,
    status,
    n % 11 === 0 ? 'USD' : 'EUR',
    customer,
    first[customer % 8],
    last[customer % 6],
    email,
    `${n} Main Street`,
    'Berlin',
    '10115',
    'DE',
    'card',
    'Parcel',
    '4.90',
    '0.93',
    decimal(total),
    discount > 0 ? 'TENTH' : '',
    items,
    amount === 0 ? '' : `id:${n}|date:${at}|amount:${decimal(amount)}|reason:Sent back`,
  ];
}
