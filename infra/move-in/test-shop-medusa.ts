import { createHash, createHmac, scryptSync } from 'node:crypto';
import { decimal, first, last, priceOf, type Sizes, table, testCustomer } from './test-shop.ts';

const products =
  'Product Id,Product Handle,Product Title,Product Description,Product Status,Product Type,Product Weight,Variant Id,Variant Title,Variant SKU,Variant Inventory Quantity,Variant Price EUR,Variant Option 1 Name,Variant Option 1 Value';

/** Exports of a made-up Medusa shop: products as its admin exports them, the rest as its admin API shows it. */
export const medusaFiles = (sizes: Sizes) => ({
  'products.csv': table(products, productRows(sizes)),
  'customers.ndjson': json(customerRows(sizes)),
  'coupons.ndjson': json([
    promotion('SPRING', { type: 'percentage', value: 15 }, { limit: null, used: 3, rules: [] }),
    promotion('TENNER', { type: 'fixed', value: 10, currency_code: 'eur' }, { limit: 50, used: 20, rules: [] }),
    promotion('MEMBERS', { type: 'percentage', value: 20 }, { limit: null, used: 0, rules: [{ attribute: 'group' }] }),
  ]),
  'orders.ndjson': json(orderRows(sizes)),
});

const promotion = (code: string, application_method: object, rest: object) => ({ code, application_method, ...rest });

function* json(rows: Iterable<object>): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`;
}

function* productRows({ products: count }: Sizes): Generator<unknown[]> {
  for (let n = 1; n <= count; n++) {
    const heading = [
      `prod_${n}`,
      `thing-${n}`,
      `Thing ${n}`,
      `Thing ${n}.`,
      n % 50 === 0 ? 'draft' : 'published',
      'Things',
      250,
    ];
    const price = decimal(priceOf(n));
    if (n % 4 !== 0)
      yield [
        ...heading,
        `variant_${n}`,
        'Default',
        `OLD-${n}`,
        n % 60,
        price,
        'Default option',
        'Default option value',
      ];
    else
      for (const size of ['S', 'M'])
        yield [...heading, `variant_${n}_${size}`, size, `OLD-${n}-${size}`, 5, price, 'Size', size];
  }
}

function* customerRows({ customers: count }: Sizes): Generator<object> {
  for (let n = 1; n <= count; n++) {
    const { email, password } = testCustomer(n);
    yield {
      ...{
        id: `cus_${n}`,
        email,
        first_name: first[n % 8],
        last_name: last[n % 6],
        created_at: '2023-05-06T07:08:09.123Z',
      },
      addresses: [
        {
          first_name: first[n % 8],
          address_1: `${n} Main Street`,
          city: 'Berlin',
          postal_code: '10115',
          country_code: 'de',
          is_default_billing: true,
        },
        // Every fourth has goods sent elsewhere, and forgets an old address.
        ...(n % 4 === 0 ? [elsewhere(n), { ...elsewhere(n), address_1: 'Old Lane', is_default_shipping: false }] : []),
      ],
      password_hash: oldHash(n, password),
    };
  }
  yield { id: 'cus_broken', email: null, created_at: '2023-05-06T07:08:09.123Z', addresses: [] };
}

const elsewhere = (n: number) => ({
  ...{ first_name: first[n % 8], address_1: `${n} Work Lane`, city: 'Potsdam', postal_code: '14467' },
  ...{ country_code: 'de', is_default_shipping: true },
});

/** As `scrypt-kdf` makes it, as cheap as it can be. */
function oldHash(n: number, password: string): string {
  const head = Buffer.alloc(16);
  head.write('scrypt');
  head.writeUInt8(4, 7);
  head.writeUInt32BE(1, 8);
  head.writeUInt32BE(1, 12);
  const salt = createHash('sha256').update(String(n)).digest();
  const start = Buffer.concat([head, salt]);
  const checked = Buffer.concat([start, createHash('sha256').update(start).digest().subarray(0, 16)]);
  const key = scryptSync(password, salt, 64, { N: 16, r: 1, p: 1 });
  return Buffer.concat([checked, createHmac('sha256', key.subarray(32)).update(checked).digest()]).toString('base64');
}

function* orderRows({ products: things, customers, orders: all }: Sizes): Generator<object> {
  for (let n = 1; n <= all; n++) yield orderRow(n, things, customers, statusOf(n));
  yield orderRow(all + 1, things, customers, ['pending', 'not_paid', 'not_fulfilled']);
  yield { ...orderRow(all + 2, things, customers, statusOf(1)), total: 99_999 };
}

const statusOf = (n: number): [string, string, string] => {
  if (n % 30 === 0) return ['canceled', 'canceled', 'canceled'];
  if (n % 50 === 0) return ['completed', 'partially_refunded', 'delivered'];
  return n % 40 === 0 ? ['pending', 'captured', 'not_fulfilled'] : ['completed', 'captured', 'delivered'];
};

function orderRow(
  n: number,
  things: number,
  customers: number,
  [status, payment, fulfilment]: [string, string, string],
) {
  const customer = 1 + (n % customers);
  const thing = 1 + (n % things);
  const [quantity, price] = [1 + (n % 3), priceOf(thing)];
  const discount = n % 20 === 0 ? Math.floor(price / 10) : 0;
  const tax = Math.round(((quantity * price - discount) * 19) / 100);
  const major = (cents: number) => cents / 100;
  const address = {
    first_name: first[customer % 8],
    last_name: last[customer % 6],
    address_1: `${n} Main Street`,
    city: 'Berlin',
    postal_code: '10115',
    country_code: 'de',
  };
  const at = `202${n % 5}-0${1 + (n % 9)}-1${n % 10}T12:00:00.000Z`;
  return {
    ...{ id: `order_${n}`, display_id: n, status, payment_status: payment, fulfillment_status: fulfilment },
    ...{
      email: testCustomer(customer).email,
      customer_id: `cus_${customer}`,
      currency_code: 'eur',
      created_at: at,
      updated_at: at,
    },
    payment_collections: [
      {
        payments: [
          {
            provider_id: 'pp_card',
            refunds:
              payment === 'partially_refunded'
                ? [
                    {
                      id: `ref_${n}`,
                      amount: 3.33,
                      created_at: `202${1 + (n % 4)}-12-01T12:00:00.000Z`,
                      note: 'Scratched',
                    },
                  ]
                : [],
          },
        ],
      },
    ],
    total: major(quantity * price - discount + tax + 583),
    ...{ shipping_subtotal: 4.9, shipping_tax_total: 0.93, shipping_methods: [{ name: 'Parcel' }] },
    items: [
      {
        ...{
          title: 'Default',
          product_title: `Thing ${thing}`,
          product_handle: `thing-${thing}`,
          variant_sku: `OLD-${thing}`,
          quantity,
        },
        ...{ unit_price: major(price), subtotal: major(quantity * price) },
        ...{ discount_subtotal: major(discount), tax_total: major(tax) },
      },
    ],
    ...{ billing_address: address, shipping_address: address },
  };
}
