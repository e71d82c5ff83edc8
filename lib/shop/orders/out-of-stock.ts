import type { OrderFailureCode } from '../../contract/api/orders.ts';

/** Of an order whose stock is short when it is placed or reserved. The SKUs that are short stand between the two texts. */
export const outOfStock = {
  code: 'out-of-stock',
  before: 'Out of stock: ',
  after: '.',
} as const satisfies { code: OrderFailureCode; before: string; after: string };
