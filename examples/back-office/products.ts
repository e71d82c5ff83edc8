import { element } from '../web-shop/dom.ts';
import { fields, folded, form, type Values } from './forms.ts';
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

/** The products, those off sale too. */
export async function productsView(office: Office, query: Values): Promise<View> {
  const { q = '', sale = '', cursor = '' } = query;
  const { data, nextCursor } = await office.products({
    ...(q === '' ? {} : { q }),
    ...(sale === 'on' ? { active: 'true' as const } : sale === 'off' ? { active: 'false' as const } : {}),
    ...(cursor === '' ? {} : { cursor }),
  });
  const rows = data.map(({ id, name, sku, price, active, availability }) => [
    link(`#/products/${id}`, name),
    money(price),
    sku,
    active ? badge(availability) : element('span', { className: 'quiet' }, 'off sale'),
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

function filters({ q = '', sale = '' }: Values): HTMLFormElement {
  const options = [
    ['', 'on sale and off'],
    ['on', 'on sale'],
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

/** One product with its stock. `again` shows it anew. */
export async function productView(office: Office, productId: string, again: () => Promise<void>): Promise<View> {
  const [product, { level, data }] = await Promise.all([office.product(productId), office.stock(productId)]);
  const { name, sku, price, active, etag } = product;
  const changed = form(
    fields([
      { name: 'name', label: 'Name', value: name, required: true },
      { name: 'amount', label: `Price in ${price.currency}`, value: toText(price), required: true },
      {
        name: 'active',
        label: 'Sale',
        value: active ? 'yes' : 'no',
        options: [
          ['yes', 'on sale'],
          ['no', 'off sale'],
        ],
      },
    ]),
    'Save',
    async ({ name = '', amount = '', active }) => {
      const wanted = { name, price: toMoney(amount, price.currency), active: active === 'yes' };
      await office.changeProduct(productId, etag, wanted);
      await again();
    },
  );
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
  return {
    title: name,
    beside: [element('span', { className: 'quiet' }, `${sku} `, element('code', {}, productId))],
    content: [
      element(
        'div',
        { className: 'columns' },
        card('Ledger', table('Movements of stock', ['Movement', '#On hand', 'When', '#Reserved'], movements)),
        element(
          'div',
          { className: 'column' },
          card(
            'Stock',
            facts([
              ['Available', level.available.toLocaleString()],
              ['On hand', level.onHand.toLocaleString()],
              ['Reserved', level.reserved.toLocaleString()],
            ]),
            moved,
          ),
          card('Product', changed),
          card('Orders', link(`#/orders?find=${productId}`, 'Orders with this product')),
        ),
      ),
    ],
  };
}

const signed = (units: number): string => (units > 0 ? `+${units.toLocaleString()}` : units.toLocaleString());
