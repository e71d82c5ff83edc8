type Column = readonly [type: 'text' | 'bigint' | 'integer' | 'smallint' | 'boolean' | 'timestamptz', means: string];
type View = { what: string; columns: Readonly<Record<string, Column>> };

/** Where the archive keeps an order, or where a live one lies: what a query of a period leaves out by. */
const bounds = {
  first_at: ['timestamptz', 'nothing of the row happened before'],
  last_at: ['timestamptz', 'nothing of the row happened after'],
} as const;

/** What an order's sale is counted by, as it was when it was placed. */
const origin = {
  application_id: ['text', 'the application that the order came through; null when that is not known'],
  segment: ['text', '`premium`, `standard` or `guest`, as the buyer was then; null when that is not known'],
} as const;

/**
 * The views of the schema `reporting`, version 1: what analysts and reports rely on. A column stays, with its type and its meaning.
 * New columns come at the end. What has to change otherwise gets a new view beside the old one.
 */
export const views: Readonly<Record<string, View>> = {
  orders: {
    what: 'an order, live or archived',
    columns: {
      order_id: ['text', 'its id'],
      number: ['text', 'its number, for people'],
      customer_id: ['text', 'who ordered; the id says nothing of the person'],
      status: ['text', 'its status now'],
      currency: ['text', 'of all its amounts, which are in minor units'],
      subtotal: ['bigint', 'sum of the lines before discounts'],
      discount: ['bigint', 'what was taken off'],
      coupon_code: ['text', 'the coupon, if any'],
      shipping_method: ['text', 'how it is shipped'],
      shipping: ['bigint', 'what shipping costs'],
      tax: ['bigint', 'tax of lines and shipping'],
      tax_included: ['boolean', 'whether the prices include the tax; null without tax'],
      total: ['bigint', 'what the customer pays'],
      payment_method: ['text', 'how they pay'],
      country: ['text', 'where it is shipped to, also after its address is erased; null when that was not said'],
      failure_code: ['text', 'why it failed, if it did'],
      placed_at: ['timestamptz', 'when it was placed'],
      confirmed_at: ['timestamptz', 'when it was paid and became a sale; null before'],
      changed_at: ['timestamptz', 'when it changed last'],
      ...bounds,
      archived: ['boolean', 'whether it is in the archive'],
      ...origin,
    },
  },
  order_lines: {
    what: 'a line of an order, with its product as it was when it was sold',
    columns: {
      order_id: ['text', 'the order'],
      position: ['smallint', 'its place in the order, from 1'],
      product_id: ['text', 'the product'],
      sku: ['text', 'its SKU'],
      name: ['text', 'its name'],
      category_id: ['text', 'its category'],
      brand: ['text', 'its brand'],
      quantity: ['integer', 'units'],
      unit_price: ['bigint', 'price of one'],
      gross: ['bigint', 'price of all, before discounts'],
      discount: ['bigint', 'its share of the order’s discount'],
      tax: ['bigint', 'its tax'],
      sales: ['bigint', 'what the customer pays for it, with tax'],
      revenue: ['bigint', 'what the shop gets for it, without tax'],
      unit_cost: ['bigint', 'what one cost the shop, in the order’s currency; null when that was not known'],
      currency: ['text', 'of the order'],
      customer_id: ['text', 'of the order'],
      status: ['text', 'of the order'],
      country: ['text', 'of the order'],
      placed_at: ['timestamptz', 'of the order'],
      confirmed_at: ['timestamptz', 'of the order'],
      ...bounds,
      ...origin,
    },
  },
  payments: {
    what: 'what was paid for an order',
    columns: {
      payment_id: ['text', 'its id'],
      order_id: ['text', 'the order'],
      provider: ['text', 'who took the money'],
      status: ['text', 'its status now'],
      currency: ['text', 'of its amounts'],
      amount: ['bigint', 'what was paid'],
      refunded: ['bigint', 'what was given back of it'],
      captured_at: ['timestamptz', 'when it was taken'],
      refunded_at: ['timestamptz', 'when it was given back whole'],
      ...bounds,
    },
  },
  refunds: {
    what: 'money that was given back, in a part or the whole that was left',
    columns: {
      refund_id: ['text', 'its id; null for a payment that was given back whole'],
      payment_id: ['text', 'the payment; null for an order of a previous shop'],
      order_id: ['text', 'the order'],
      currency: ['text', 'of the amount'],
      amount: ['bigint', 'what was given back'],
      reason: ['text', 'why'],
      refunded_at: ['timestamptz', 'when'],
      country: ['text', 'of the order'],
      ...bounds,
      ...origin,
    },
  },
  refund_lines: {
    what: 'money that was given back for a line; what was given back without naming lines is in `refunds` alone',
    columns: {
      refund_id: ['text', 'its id; null for a payment that was given back whole'],
      order_id: ['text', 'the order'],
      product_id: ['text', 'the product of the line'],
      currency: ['text', 'of the amount'],
      quantity: ['integer', 'units that it was given back for'],
      amount: ['bigint', 'what was given back'],
      refunded_at: ['timestamptz', 'when'],
      ...bounds,
    },
  },
  products: {
    what: 'a product as it is now, on sale or not',
    columns: {
      product_id: ['text', 'its id'],
      sku: ['text', 'its SKU'],
      name: ['text', 'its name'],
      category_id: ['text', 'its category'],
      category: ['text', 'the name of the category'],
      brand: ['text', 'its brand'],
      active: ['boolean', 'whether it is on sale'],
      price_amount: ['bigint', 'its price'],
      price_currency: ['text', 'the currency of the price'],
      cost_amount: ['bigint', 'what one costs the shop'],
      cost_currency: ['text', 'the currency of the cost'],
      created_at: ['timestamptz', 'when it was added'],
    },
  },
  stock: {
    what: 'the stock of a product now',
    columns: {
      product_id: ['text', 'the product'],
      on_hand: ['integer', 'units on the shelf'],
      reserved: ['integer', 'units that orders hold'],
      available: ['integer', 'units that can be ordered'],
      low_at: ['integer', 'from how few on the stock is low'],
      moved_at: ['timestamptz', 'when it moved last'],
    },
  },
  stock_movements: {
    what: 'an entry of the ledger that is not archived yet',
    columns: {
      movement_id: ['text', 'its id, which sorts by age'],
      product_id: ['text', 'the product'],
      kind: ['text', '`adjustment`, `reservation`, `release`, `commitment` or `return`'],
      quantity: ['integer', 'change of the units on the shelf'],
      reserved: ['integer', 'change of the units that orders hold'],
      order_id: ['text', 'the order, if it is of one'],
      created_at: ['timestamptz', 'when it moved'],
    },
  },
  customers_masked: {
    what: 'a customer; name and e-mail in full for members of `reads_personal_data` alone',
    columns: {
      customer_id: ['text', 'their id'],
      name: ['text', 'its first letter'],
      email: ['text', 'its first letter and the domain'],
      segment: ['text', '`premium` or `standard`'],
      created_at: ['timestamptz', 'when they signed up'],
      suspended: ['boolean', 'whether they are locked out'],
      erased: ['boolean', 'whether their data are erased'],
    },
  },
  customer_entries: {
    what: 'when a customer was in touch, and their tickets, as a feed of the shop said',
    columns: {
      customer_id: ['text', 'the customer'],
      source: ['text', 'the feed'],
      entry_id: ['text', 'its id in the source'],
      kind: ['text', '`interaction` or `ticket`'],
      at: ['timestamptz', 'when it happened, or was opened'],
      channel: ['text', 'how they were in touch; null when that was not said'],
      topic: ['text', 'a code of what it was about; null when that was not said'],
      status: ['text', '`open`, `waiting` or `closed`; null for an interaction'],
      ended_at: ['timestamptz', 'when a ticket was closed'],
    },
  },
  feeds: {
    what: 'a feed of the shop',
    columns: {
      source: ['text', 'its name'],
      received_at: ['timestamptz', 'when its last file came'],
      total: ['integer', 'rows of that file'],
      failed: ['integer', 'those that were not loaded'],
      newest_at: ['timestamptz', 'when the last thing happened that it said'],
    },
  },
  customer_summary: {
    what: 'what a customer bought, a row for each currency',
    columns: {
      customer_id: ['text', 'the customer'],
      segment: ['text', '`premium` or `standard`, as they are now'],
      currency: ['text', 'of the sales'],
      orders: ['bigint', 'orders that became sales'],
      units: ['bigint', 'units in them'],
      sales: ['bigint', 'what they paid for them'],
      refunds: ['bigint', 'what they got back of it'],
      first_order_at: ['timestamptz', 'the first sale'],
      last_order_at: ['timestamptz', 'the last one'],
    },
  },
};
