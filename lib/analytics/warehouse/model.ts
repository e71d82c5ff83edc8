/** Timestamps and dates are in UTC, amounts in minor units of the row's currency. */
export type Kind = 'text' | 'bigint' | 'integer' | 'timestamp' | 'date' | 'boolean';

type Column = { kind: Kind; nullable: boolean; means: string };
type Table = { what: string; byMonth: boolean; columns: Readonly<Record<string, Column>> };

const column = (kind: Kind, means: string): Column => ({ kind, nullable: false, means });
const nullable = (kind: Kind, means: string): Column => ({ kind, nullable: true, means });

const customerKey = nullable('text', 'the pseudonym of who ordered; null for a guest, and when they are erased');
const origin = {
  application_id: nullable('text', 'the application that the order came through; null when that is not known'),
  segment: nullable('text', '`premium`, `standard` or `guest`, as the buyer was then; null when that is not known'),
};
const costAndMargin = {
  cost: nullable('bigint', 'what it cost the shop; null when that was not known'),
  margin: nullable('bigint', 'net less cost; null when the cost was not known'),
};

/** The star schema: what the Parquet files of the warehouse have, in this order. */
export const tables = {
  fact_orders: {
    what: 'an order that became a sale, in the month when it was confirmed',
    byMonth: true,
    columns: {
      order_id: column('text', 'its id'),
      customer_key: customerKey,
      currency: column('text', 'of its amounts'),
      subtotal: column('bigint', 'sum of the lines before discounts'),
      discount: column('bigint', 'what was taken off'),
      shipping: column('bigint', 'what shipping costs'),
      tax: column('bigint', 'tax of lines and shipping'),
      total: column('bigint', 'what the customer pays'),
      country: nullable(
        'text',
        'where it is shipped to, also after its address is erased; null when that was not said',
      ),
      ...origin,
      placed_at: column('timestamp', 'when it was placed'),
      confirmed_at: column('timestamp', 'when it became a sale'),
    },
  },
  fact_sales: {
    what: 'a line of such an order, with its product as it was when it was sold',
    byMonth: true,
    columns: {
      order_id: column('text', 'the order'),
      position: column('integer', 'its place in the order, from 1'),
      date: column('date', 'day of the confirmation'),
      product_id: column('text', 'the product'),
      category_id: nullable('text', 'its category'),
      brand: nullable('text', 'its brand'),
      customer_key: customerKey,
      country: nullable('text', 'of the order'),
      ...origin,
      currency: column('text', 'of its amounts'),
      quantity: column('integer', 'units'),
      gross: column('bigint', 'price of all, before discounts'),
      discount: column('bigint', 'its share of the order’s discount'),
      tax: column('bigint', 'its tax'),
      net: column('bigint', 'what the shop gets for it, without tax'),
      ...costAndMargin,
      confirmed_at: column('timestamp', 'when it became a sale'),
    },
  },
  fact_refunds: {
    what: 'money that was given back, in the month when it was',
    byMonth: true,
    columns: {
      refund_key: column('text', 'id of the refund, or of a payment that was given back whole'),
      order_id: column('text', 'the order'),
      date: column('date', 'day of the refund'),
      currency: column('text', 'of the amount'),
      amount: column('bigint', 'what was given back'),
      country: nullable('text', 'of the order'),
      ...origin,
      refunded_at: column('timestamp', 'when'),
    },
  },
  fact_refund_lines: {
    what: 'what of that was given back for a line; the rest names no product',
    byMonth: true,
    columns: {
      refund_key: column('text', 'as in `fact_refunds`, for a whole payment its order'),
      order_id: column('text', 'the order'),
      product_id: column('text', 'the product of the line'),
      date: column('date', 'day of the refund'),
      currency: column('text', 'of the amount'),
      quantity: column('integer', 'units that it was given back for'),
      amount: column('bigint', 'what was given back'),
      refunded_at: column('timestamp', 'when'),
    },
  },
  fact_stock: {
    what: 'the stock of a product at the last load of a day; only the warehouse has that of past days',
    byMonth: true,
    columns: {
      date: column('date', 'the day'),
      product_id: column('text', 'the product'),
      on_hand: column('integer', 'units on the shelf'),
      reserved: column('integer', 'units that orders hold'),
      available: column('integer', 'units that could be ordered'),
    },
  },
  daily_sales_summary: {
    what: 'a day in one currency; all of them are in one file, since a query of years takes as long as it opens files',
    byMonth: false,
    columns: {
      date: column('date', 'the day'),
      currency: column('text', 'of the amounts'),
      orders: column('bigint', 'orders that became sales'),
      units: column('bigint', 'units in them'),
      sales: column('bigint', 'what customers pay for them, with shipping and tax'),
      gross: column('bigint', 'price of the lines before discounts'),
      discount: column('bigint', 'what was taken off'),
      shipping: column('bigint', 'what shipping costs'),
      tax: column('bigint', 'tax of lines and shipping'),
      net: column('bigint', 'what the shop gets for the lines, without tax'),
      cost: column('bigint', 'what the lines cost the shop, where that was known'),
      margin: column('bigint', 'net less cost, of the lines whose cost was known'),
      refunds: column('bigint', 'what was given back on this day'),
    },
  },
  sales_summary: {
    what: 'sales of a stretch of time, by one thing; reports of years read it, and facts where it has no row that fits',
    byMonth: true,
    columns: {
      grain: column(
        'text',
        'how long the stretch is: `month`, `day`, `hour` or `quarter` (of an hour); `hour:15`, `hour:30` and `hour:45` are hours that begin so many minutes past the hour',
      ),
      starts_at: column('timestamp', 'when it begins'),
      sold_by: column(
        'text',
        'by what: `all`, `country`, `application`, `customerSegment`, `product`, `category` or `brand`',
      ),
      key: nullable('text', 'of which; null for `all`, and where that is not known'),
      currency: column('text', 'of the amounts'),
      orders: column('bigint', 'orders that became sales; one with two products counts for both'),
      units: column('bigint', 'units in them'),
      gross: column('bigint', 'price before discounts'),
      discount: column('bigint', 'what was taken off'),
      shipping: column('bigint', 'what shipping costs; 0 by product, category and brand'),
      tax: column('bigint', 'tax'),
      sales: column('bigint', 'what customers pay'),
      refunds: column('bigint', 'what was given back in this time; 0 by category and brand'),
      returned_units: column('bigint', 'units that it was given back for, by product; otherwise 0'),
      net: column('bigint', 'what the shop gets for the lines, without tax'),
      known_units: column('bigint', 'units whose cost was known'),
      known_net: column('bigint', 'net of these'),
      cost: column('bigint', 'cost of these'),
      margin: column('bigint', 'margin of these'),
    },
  },
  dim_product: {
    what: 'a product as it was from one load that found it changed to the next',
    byMonth: false,
    columns: {
      product_id: column('text', 'its id'),
      sku: column('text', 'its SKU'),
      name: column('text', 'its name'),
      category_id: nullable('text', 'its category'),
      category: nullable('text', 'the name of the category'),
      brand: nullable('text', 'its brand'),
      active: column('boolean', 'whether it was on sale'),
      price_amount: column('bigint', 'its price'),
      price_currency: column('text', 'the currency of the price'),
      valid_from: column(
        'timestamp',
        'the load that found it so; 1970 in the first row of a product, so that each sale has one',
      ),
      valid_to: nullable('timestamp', 'the load that found it otherwise; null while it is so'),
    },
  },
  dim_customer: {
    what: 'a customer who is not erased, by pseudonym, as they were from one change to the next',
    byMonth: false,
    columns: {
      customer_key: column('text', 'the pseudonym'),
      segment: column('text', '`premium` or `standard`'),
      country: nullable('text', 'where their latest order was shipped to; null when that was never said'),
      signed_up: column('date', 'day when they signed up'),
      valid_from: column(
        'timestamp',
        'the sale, or the load, that found them so; 1970 in the first row of a customer, so that each sale has one',
      ),
      valid_to: nullable('timestamp', 'the sale, or the load, that found them otherwise; null while they are so'),
    },
  },
  dim_application: {
    what: 'an application that sales came through',
    byMonth: false,
    columns: {
      application_id: column('text', 'its id; its name is kept where applications are'),
      first_sale: column('date', 'day of its first sale'),
      last_sale: column('date', 'day of its last sale'),
    },
  },
  dim_date: {
    what: 'a day',
    byMonth: false,
    columns: {
      date: column('date', 'the day'),
      year: column('integer', 'its year'),
      quarter: column('integer', '1 to 4'),
      month: column('integer', '1 to 12'),
      day: column('integer', 'of the month'),
      weekday: column('integer', '1 (Monday) to 7'),
    },
  },
} as const satisfies Record<string, Table>;

export type TableName = keyof typeof tables;
export const tableNames = Object.keys(tables) as TableName[];

/** The names of a table's columns, in their order. */
export const columnNames = (table: TableName): string[] => Object.keys(tables[table].columns);

/** The columns of a table, by name. */
export const columnsOf = (table: TableName): [name: string, column: Column][] => Object.entries(tables[table].columns);
