/** What properties of reports mean that no other answer has. */
export const reportWords: Readonly<Record<string, string>> = {
  asOf: 'As of when the data are at least.',
  lagSeconds: 'How old the data are at most, in seconds.',
  stale: 'Whether the data are older than this report usually shows.',
  source:
    '`warehouse`, what the last load has; `reader`, a copy that follows the database; or `writer`, the database itself.',
  history:
    'Whether history comes from the warehouse: `used`; `not-needed`, because the period begins after it; `never-loaded`; `other-database`, when it was loaded from another one or before a restore; `no-warehouse`, when the stage has none. But for `used`, the database answers for the whole period.',
  zone: 'The time zone whose days count.',
  groupBy: 'What a row is.',
  units: 'Units that were sold.',
  returnedUnits: 'Units that money was given back for.',
  gross: 'Price of all units, before discounts, in minor units.',
  discounts: 'What was taken off, in minor units.',
  sales: 'What customers paid or pay, with shipping and tax, in minor units.',
  revenue: 'What the shop got for units whose cost was known, without tax, in minor units.',
  cost: 'What these units cost the shop, in minor units.',
  margin: 'Revenue less cost, in minor units.',
  marginPercent: 'The margin in percent of the revenue; null without revenue.',
  unitsWithoutCost: 'Units that were sold and whose cost was not known. They are not in the margin.',
  revenueWithoutCost: 'What the shop got for them, in minor units.',
  segment: '`premium` or `standard`.',
  erased: 'Whether the customer’s data are erased.',
  average: 'Sales of one order on average, in minor units.',
  firstOrderAt: 'When the first order was confirmed.',
  lastOrderAt: 'When the last order was confirmed.',
  unitsSold: 'Units that were sold in these days.',
  turnover: 'How often the average stock was sold in these days; null without stock.',
  daysLeft: 'For how many days the stock lasts at this pace; null when none was sold.',
  days: 'How many days of sales the figures follow from.',
  ordersLastHour: 'Orders that were placed during the last 60 minutes.',
  activeOrders: 'Orders that have not ended, without those in manual review.',
  inManualReview: 'Orders that wait for a person.',
  today: 'What was sold today, by currency.',
  net: 'What is left of the sales after the refunds, in minor units.',
};

const salesKey =
  'The group: the day, the Monday of the week or the month, or an id or name; null for what has none, such as sales without a brand.';

/** What they mean in one schema. */
export const reportNotes: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['Sales', 'Margin', 'Products'].flatMap((report) => [
      [`Get${report}ReportResponse.from`, 'The first day of the period.'],
      [`Get${report}ReportResponse.to`, 'The first day after the period.'],
    ]),
  ),
  ...Object.fromEntries(
    ['Sales', 'Margin', 'Products'].flatMap((report) => [
      [
        `Get${report}ReportResponse.parts`,
        'Where the figures come from: stretches of time that follow each other without a gap.',
      ],
      [`Get${report}ReportResponse.data`, 'A row for each group and currency, in the order of the groups.'],
    ]),
  ),
  'GetProductsReportResponse.data': 'The products, best or worst first.',
  'GetCustomerReportResponse.data': 'A row for each currency.',
  'GetStockReportResponse.data': 'The products, those that run out first first; those that did not sell last.',
  'GetCustomerReportResponse.createdAt': 'When the customer signed up.',
  'GetCustomerReportResponse.customerId': 'The customer.',
  'GetLiveReportResponse.today.currency': 'The currency of the amount.',
  'GetLiveReportResponse.today.orders': 'Orders that were confirmed today.',
  'CustomerReportRow.currency': 'The currency of the amounts of this row.',
  'CustomerReportRow.orders': 'Orders that were confirmed.',
  'CustomerReportRow.refunds': 'What they got back, in minor units.',
  'ProductReportRow.currency': 'The currency in which it was sold, or that of its price if nobody bought it.',
  'ProductReportRow.orders': 'Orders with the product.',
  'ProductReportRow.refunds':
    'What was given back for the product, in minor units, also of earlier orders. What was given back without naming lines is not in it.',
  'MarginRow.key': salesKey,
  'MarginRow.currency': 'The currency of the amounts of this row.',
  'MarginRow.units': 'Units that were sold and whose cost was known.',
  'ReportPart.from': 'When the stretch begins, inclusive.',
  'ReportPart.to': 'When it ends, exclusive.',
  'SalesRow.key': salesKey,
  'SalesRow.currency': 'The currency of the amounts of this row.',
  'SalesRow.orders': 'Orders that were confirmed.',
  'SalesRow.shipping': 'What shipping was charged with, in minor units; null where lines are added up.',
  'SalesRow.tax': 'The tax, in minor units.',
  'SalesRow.refunds':
    'What was given back meanwhile, also of earlier orders, in minor units; null where lines are added up.',
};

export const reportSchemas: Readonly<Record<string, string>> = {
  ReportPart: 'A stretch of a report’s time, where its figures come from and how old they are.',
  SalesRow: 'What was sold and given back in one group and currency.',
  MarginRow: 'What was earned in one group and currency.',
  ProductReportRow: 'What was sold of a product in one currency.',
  CustomerReportRow: 'What a customer bought in one currency.',
  StockReportRow: 'How long the stock of a product lasts.',
};
