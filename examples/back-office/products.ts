import { element } from '../web-shop/dom.ts';
import { fields, folded, form, unfolding, type Values } from './forms.ts';
import type { Office } from './office.ts';
import {
  badge,
  card,
  facts,
  link,
  money,
  nextPage,
  quiet,
  table,
  time,
  toMoney,
  toText,
  type View,
  words,
} from './parts.ts';

/** The products on sale, or those off sale. */
export async function productsView(office: Office, query: Values): Promise<View> {
  const { q = '', sale = '', cursor = '' } = query;
  const { data, nextCursor } = await office.products({
    ...(q === '' ? {} : { q }),
    ...(sale === 'off' ? { active: 'false' as const } : {}),
    ...(cursor === '' ? {} : { cursor }),
  });
  const rows = data.map((product) => [
    element('div', {}, link(`#/products/${product.id}`, product.name), ...variantsOf(office, product)),
    range(product),
    product.sku,
    stockOf(product),
  ]);
  const { cursor: _, ...filter } = query;
  return {
    title: 'Products',
    content: [
      card('Find products', filters(filter), folded('Add a product', adding(office))),
      card(
        'Products',
        rows.length === 0
          ? quiet('No product meets all of this.')
          : table('Products', ['Name', '#Price', 'SKU', 'Stock'], rows),
        ...nextPage('products', filter, nextCursor),
      ),
    ],
  };
}

type Listed = Awaited<ReturnType<Office['products']>>['data'][number];

const range = ({ priceRange: { from, to } }: Pick<Listed, 'priceRange'>): string =>
  from.amount === to.amount ? money(from) : `${money(from)} – ${money(to)}`;

const stockOf = ({ active, availability }: Listed): HTMLElement =>
  active ? badge(availability) : element('span', { className: 'quiet' }, 'off sale');

/** The variants of a product with options, once they are asked for: a page of products needs no request for each. */
function variantsOf(office: Office, { id, options }: Listed): HTMLElement[] {
  if (options.length === 0) return [];
  const load = async () => {
    const items = (await office.variants(id)).map((variant) => element('li', {}, ...variantLine(variant)));
    return [items.length === 0 ? quiet('There is none yet.') : element('ul', { className: 'parts' }, ...items)];
  };
  return [unfolding(`Variants by ${options.map(({ name }) => name).join(' and ')}`, load)];
}

const variantLine = (variant: Listed) => [
  link(`#/products/${variant.id}`, variant.name),
  ` ${variant.sku} ${money(variant.price)} `,
  stockOf(variant),
];

function filters({ q = '', sale = '' }: Values): HTMLFormElement {
  const options = [
    ['', 'on sale'],
    ['off', 'off sale'],
  ] as const;
  const controls = fields([
    { name: 'q', label: 'Words of name, SKU, brand or description', type: 'search', value: q },
    { name: 'sale', label: 'Show', value: sale, options },
  ]);
  return form(
    controls,
    'Find',
    async (values) => {
      const given = Object.entries(values).filter(([, value]) => value.trim() !== '');
      location.hash = `#/products?${new URLSearchParams(given)}`;
    },
    'filters',
  );
}

function adding(office: Office): HTMLFormElement {
  const controls = fields([
    { name: 'sku', label: 'SKU', required: true },
    { name: 'name', label: 'Name', required: true },
    { name: 'amount', label: 'Price', required: true },
    { name: 'currency', label: 'Currency', value: 'EUR', required: true },
  ]);
  return form(controls, 'Add', async ({ sku = '', name = '', amount = '', currency = '' }, key) => {
    const price = toMoney(amount, currency.trim().toUpperCase());
    const { id } = await office.addProduct({ sku: sku.trim(), name, price }, key);
    location.hash = `#/products/${id}`;
  });
}

/** One product with its stock, or with its variants, which have the stock. `again` shows it anew. */
export async function productView(office: Office, productId: string, again: () => Promise<void>): Promise<View> {
  const product = await office.product(productId);
  const { name, sku, parentId, options } = product;
  const [wide, ...narrow] =
    options.length > 0 ? [await variantsCard(office, product)] : await stockCards(office, productId, again);
  return {
    title: name,
    beside: [element('span', { className: 'quiet' }, `${sku} `, element('code', {}, productId))],
    content: [
      ...(parentId === null ? [] : [link(`#/products/${parentId}`, 'The product with all its variants')]),
      element(
        'div',
        { className: 'columns' },
        wide!,
        element(
          'div',
          { className: 'column' },
          ...narrow,
          changeCard(office, product, again),
          ...(options.length > 0
            ? []
            : [card('Orders', link(`#/orders?find=${productId}`, 'Orders with this product'))]),
        ),
      ),
    ],
  };
}

type Shown = Awaited<ReturnType<Office['product']>>;

async function variantsCard(office: Office, { id }: Shown): Promise<HTMLElement> {
  const rows = (await office.variants(id)).map((variant) => [
    link(`#/products/${variant.id}`, variant.name),
    money(variant.price),
    variant.sku,
    stockOf(variant),
  ]);
  return card(
    'Variants',
    rows.length === 0 ? quiet('There is none yet.') : table('Variants', ['Name', '#Price', 'SKU', 'Stock'], rows),
  );
}

/** A product with options has the price of its variants, and none of its own to change. */
function changeCard(office: Office, product: Shown, again: () => Promise<void>): HTMLElement {
  const { id, name, price, active, options, etag } = product;
  const priced = options.length === 0;
  const amount = { name: 'amount', label: `Price in ${price.currency}`, value: toText(price), required: true };
  const sale = [
    ['yes', 'on sale'],
    ['no', 'off sale'],
  ] as const;
  const controls = fields([
    { name: 'name', label: 'Name', value: name, required: true },
    ...(priced ? [amount] : []),
    { name: 'active', label: 'Sale', value: active ? 'yes' : 'no', options: sale },
  ]);
  const change = form(controls, 'Save', async ({ name = '', amount = '', active }) => {
    const wanted = { name, active: active === 'yes', ...(priced && { price: toMoney(amount, price.currency) }) };
    await office.changeProduct(id, etag, wanted);
    await again();
  });
  return card('Product', change);
}

async function stockCards(office: Office, productId: string, again: () => Promise<void>): Promise<HTMLElement[]> {
  const { level, data } = await office.stock(productId);
  const moved = form(
    fields([
      { name: 'quantity', label: 'Units, with − to take out', type: 'number', required: true },
      { name: 'reason', label: 'Reason', required: true },
    ]),
    'Move stock',
    async ({ quantity = '', reason = '' }, key) => {
      await office.moveStock(productId, { quantity: Number(quantity), reason }, key);
      await again();
    },
  );
  const movements = data.map(({ kind, quantity, reserved, orderId, reason, createdAt }) => [
    element('span', {}, words(kind), ' ', orderId === null ? reason : link(`#/orders/${orderId}`, 'of an order')),
    signed(quantity),
    time(createdAt),
    signed(reserved),
  ]);
  return [
    card('Ledger', table('Movements of stock', ['Movement', '#On hand', 'When', '#Reserved'], movements)),
    card(
      'Stock',
      facts([
        ['Available', level.available.toLocaleString()],
        ['On hand', level.onHand.toLocaleString()],
        ['Reserved', level.reserved.toLocaleString()],
      ]),
      moved,
    ),
  ];
}

const signed = (units: number): string => (units > 0 ? `+${units.toLocaleString()}` : units.toLocaleString());
