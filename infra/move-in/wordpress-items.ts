import { withoutEntities } from './entities.ts';
import { readMeta, type Wordpress } from './wordpress-tables.ts';

type Line = {
  name: string;
  product_id: string;
  sku: string;
  quantity: string;
  subtotal: string;
  total: string;
  total_tax: string;
};
/** What an order consists of; `line` of goods and fees, which customers paid for. */
export type Item = {
  type: 'line_item' | 'fee' | 'shipping' | 'coupon';
  name: string;
  line: Line | undefined;
  shipping: Pick<Line, 'total' | 'total_tax'> | undefined;
};

const names = [
  ...['_product_id', '_variation_id', '_qty', '_line_subtotal', '_line_total', '_line_tax'],
  // Of shipping.
  ...['cost', 'total_tax'],
];

/** The items of some orders, by the orders' ids. */
export async function orderItems(wordpress: Wordpress, orderIds: readonly number[]): Promise<Map<string, Item[]>> {
  const orders = await readItems(wordpress, orderIds);
  for (const [id, of] of orders) orders.set(id, withoutNegativeFees(of));
  return orders;
}

/** As they are in the tables: those of refunds are below nothing. */
export async function readItems(wordpress: Wordpress, orderIds: readonly number[]): Promise<Map<string, Item[]>> {
  if (orderIds.length === 0) return new Map();
  const items = await wordpress.query<{ id: string; orderId: string; type: Item['type']; name: string }>(
    `select order_item_id as id, order_id as orderId, order_item_type as type, order_item_name as name
     from ${wordpress.table('woocommerce_order_items')}
     where order_id in (?) and order_item_type in ('line_item', 'fee', 'shipping', 'coupon') order by order_item_id`,
    [orderIds],
  );
  const sold = items.filter(({ type }) => type !== 'coupon').map(({ id }) => Number(id));
  const meta = await readMeta(wordpress, { from: 'woocommerce_order_itemmeta', id: 'order_item_id' }, sold, names);
  const orders = new Map<string, Item[]>();
  for (const { id, orderId, type, name } of items) {
    const own = meta.get(id) ?? {};
    const isFee = type === 'fee';
    const [product, variation] = [own._product_id ?? '', own._variation_id ?? '0'];
    const line = {
      name: withoutEntities(name),
      product_id: isFee ? '' : variation === '0' || variation === '' ? product : variation,
      sku: isFee ? 'fee' : '',
      quantity: isFee ? '1' : (own._qty ?? ''),
      subtotal: own._line_subtotal ?? '',
      total: own._line_total ?? '',
      total_tax: own._line_tax ?? '',
    };
    const of = orders.get(orderId) ?? [];
    const shipping = type === 'shipping' ? { total: own.cost ?? '', total_tax: own.total_tax ?? '' } : undefined;
    of.push({ type, name, line: isFee || type === 'line_item' ? line : undefined, shipping });
    orders.set(orderId, of);
  }
  return orders;
}

/** A fee below nothing is a discount: the goods have their shares of it. */
function withoutNegativeFees(items: Item[]): Item[] {
  const isBelow = ({ type, line }: Item) => type === 'fee' && Number(line!.total) < 0;
  const below = items.filter(isBelow);
  if (below.length === 0) return items;
  const sum = (of: readonly Item[], name: 'total' | 'total_tax') =>
    of.reduce((all, { line }) => all + Number(line?.[name] || 0), 0);
  const left = items.filter((item) => !isBelow(item));
  const share = (line: Line, name: 'total' | 'total_tax') => {
    const all = sum(left, name);
    return all === 0 ? line[name] : (Number(line[name] || 0) * (1 + sum(below, name) / all)).toFixed(6);
  };
  return left.map((item) =>
    item.line === undefined
      ? item
      : {
          ...item,
          line: {
            ...item.line,
            subtotal: item.line.subtotal || item.line.total,
            total: share(item.line, 'total'),
            total_tax: share(item.line, 'total_tax'),
          },
        },
  );
}
