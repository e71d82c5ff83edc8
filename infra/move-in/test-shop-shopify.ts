import { decimal, first, last, priceOf, type Sizes, table, testCustomer } from './test-shop.ts';

const products =
  'Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Image Src,Status';
const customers =
  'Customer ID,First Name,Last Name,Email,Default Address Company,Default Address Address1,Default Address Address2,Default Address City,Default Address Province Code,Default Address Country Code,Default Address Zip,Phone';
const orders =
  'Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Lineitem discount,Billing Name,Billing Address1,Billing City,Billing Zip,Billing Country,Cancelled at,Payment Method,Id,Refunded Amount';
const discounts =
  'Name,Value,Value Type,Type,Minimum Purchase Requirements,Usage Limit Per Code,Status,Start,End,Times Used In Total';

/** Exports of a made-up Shopify shop: products with a row for each variant and image, orders with a row for each line. */
export const shopifyFiles = (sizes: Sizes) => ({
  'products.csv': table(products, productRows(sizes)),
  'customers.csv': table(customers, customerRows(sizes)),
  'coupons.csv': table(discounts, [
    ['SPRING', '-15', 'percentage', 'order', '', '', 'Active', '2024-01-01 00:00:00 +0100', '', 3],
    ['TENNER', '-10.0', 'fixed_amount', 'order', '', 50, 'Active', '2024-01-01 00:00:00 +0100', '', 20],
    ['LARGE', '-20', 'percentage', 'order', '100.00', '', 'Active', '2024-01-01 00:00:00 +0100', '', 0],
  ]),
  'orders.csv': table(orders, orderRows(sizes)),
});

function* productRows({ products: count }: Sizes): Generator<unknown[]> {
  for (let n = 1; n <= count; n++) {
    const html = `<p>Thing ${n}</p>`;
    const category = n % 2 === 0 ? 'Home & Garden > Kitchen' : '';
    const heading = [`thing-${n}`, `Thing ${n}`, html, 'Maker', category, 'Things', '', 'true'];
    const image = `https://old-shop.example/${n}.jpg`;
    if (n % 4 !== 0) {
      yield [
        ...heading,
        'Title',
        'Default Title',
        '',
        '',
        `OLD-${n}`,
        250,
        n % 60,
        decimal(priceOf(n)),
        image,
        'active',
      ];
      // A second image.
      yield [`thing-${n}`, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', `${image}?2`, ''];
      continue;
    }
    for (const [at, size] of ['S', 'M, wide'].entries()) {
      const own = [`OLD-${n}-${at}`, 250, 5, decimal(priceOf(n)), '', at === 0 ? 'active' : ''];
      if (at === 0) yield [...heading, 'Size', size, 'Colour', 'red', ...own];
      else yield [`thing-${n}`, '', '', '', '', '', '', '', '', size, '', 'red', ...own];
    }
  }
}

function* customerRows({ customers: count }: Sizes): Generator<unknown[]> {
  for (let n = 1; n <= count; n++) {
    const address = ['', `${n} Main Street`, '', 'Berlin', '', 'DE', '10115', ''];
    yield [7_000_000 + n, first[n % 8], last[n % 6], testCustomer(n).email, ...address];
  }
  yield [1, 'No', 'Address', '', '', '', '', '', '', '', '', ''];
}

function* orderRows({ products: things, customers, orders: all }: Sizes): Generator<unknown[]> {
  for (let n = 1; n <= all; n++) yield* orderRow(n, things, customers, statusOf(n));
  yield* orderRow(all + 1, things, customers, ['pending', '', '']);
  for (const row of orderRow(all + 2, things, customers, ['paid', 'fulfilled', '']))
    yield row[10] === '' ? row : row.with(10, '99999.00');
}

const statusOf = (n: number): [string, string, string] => {
  if (n % 30 === 0) return ['refunded', 'fulfilled', ''];
  if (n % 31 === 0) return ['voided', '', '2024-06-01 10:00:00 +0200'];
  return [n % 50 === 0 ? 'partially_refunded' : 'paid', n % 40 === 0 ? '' : 'fulfilled', ''];
};

/** Prices have the tax in them in every other order; every tenth has a discount, and every fifteenth free shipping by a code. */
function* orderRow(
  n: number,
  things: number,
  customers: number,
  [paid, fulfilled, cancelled]: [string, string, string],
): Generator<unknown[]> {
  const lines = Array.from({ length: 1 + (n % 3) }, (_, at) => {
    const thing = 1 + ((n + at) % things);
    return { thing, quantity: 1 + (at % 2), price: priceOf(thing) };
  });
  const goods = lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0);
  const free = n % 15 === 0;
  const discount = free ? 490 : n % 10 === 0 ? Math.floor(goods / 10) : 0;
  const net = goods - discount + 490;
  const included = n % 2 === 0;
  const tax = Math.round(included ? (net * 19) / 119 : (net * 19) / 100);
  const customer = 1 + (n % customers);
  const month = n % 48;
  const date = `${2021 + Math.floor(month / 12)}-${String(1 + (month % 12)).padStart(2, '0')}-${String(1 + (n % 28)).padStart(2, '0')} 12:00:00 +0100`;
  for (const [at, { thing, quantity, price }] of lines.entries()) {
    const line = [quantity, `Thing ${thing}`, decimal(price), `OLD-${thing}`, '0.00'];
    const { email } = testCustomer(customer);
    if (at > 0) {
      yield [`#${1000 + n}`, email, ...Array(13).fill(''), ...line, ...Array(9).fill('')];
      continue;
    }
    const sums = [free ? goods : goods - discount, 490, tax, net + (included ? 0 : tax)].map(decimal);
    yield [
      ...[`#${1000 + n}`, email, paid, date, fulfilled, fulfilled === '' ? '' : date, 'EUR', ...sums],
      ...[discount > 0 ? 'TENTH' : '', decimal(discount), 'Parcel', date, ...line],
      ...[`${first[customer % 8]} ${last[customer % 6]}`, `${n} Main Street`, 'Berlin', "'10115", 'DE'],
      ...[cancelled, 'Card', 5_000_000 + n],
      decimal({ refunded: net + (included ? 0 : tax), partially_refunded: 333 }[paid] ?? 0),
    ];
  }
}
