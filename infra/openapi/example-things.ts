import type { IdKind } from '../../lib/kernel/ids.ts';

/*
 * The customer, products, orders and so on of the examples in the OpenAPI document.
 */

export const ids = {
  customer: 'cus_0198c6a04b1c7d52a3f0e97d6c5b4a31',
  address: 'adr_0198c6a0917d7a4be2c6f10d8b3a5e94',
  import: 'imp_0198c6b4a7d37e15a9c02b6f4d8e1973',
  category: 'cat_0198c6a0f31d7b2e8a5c4d9e0f716283',
  product: 'prd_0198c6a17e2f7c44b8d16a0f9e3c2b75',
  variant: 'prd_0198c6a4d0c17b5f93e8a1720b64dc9e',
  mug: 'prd_0198c6a1b3927e07a5c1f4d8e6b09a12',
  order: 'ord_0198c6b2f1d07a3e9c54d2a1b7e60f38',
  payment: 'pay_0198c6b2f8e47b19a6d3c0e5f1a29b84',
  refund: 'rfd_0198c7d4a3b17c58b2e6f09d1a4c7e83',
  fulfilment: 'ful_0198c6b9d2e17b4fa0c3d5e7f9012a4b',
  return: 'ret_0198c7d1f4a27e5d8b9c0d1e2f3a4b5c',
  cancellation: 'can_0198c6bad4c27e6f8a1b2c3d4e5f6a7b',
  movement: 'mov_0198c6a2c0d17f63b9e4a85d7c1f3e06',
  finding: 'fnd_0198c6d5a3b87e21c4f09d6e8b7a1530',
  event: 'evt_0198c6b2f1d07a3e9c54d2a1b7e60f39',
  identity: 'idn_0198c6a3f1b27d60b4c8e2a7f5d39e10',
  action: 'act_0198c6c9a3b57e40b2d8c1f6e7a95d04',
  session: 'ses_6b1f0c9d2e7a48d39c50a1b7e4f8d263',
  application: 'app_0198c69e0c1b7a93b5d8f1e4a7c02b36',
  access: 'acc_0198c6d9b3a57e40b2d8c1f6e7a95d05',
  webhookEndpoint: 'whe_0198c69f7b3d7e10a4c8e2f5d6b91a07',
  delivery: 'dlv_0198c6b2f1d07a3e9c54d2a1b7e60f39',
  reportSubscription: 'rsb_0198c6b2f1d07a3e9c54d2a1b7e60f3a',
  reportExport: 'rex_0198c6b2f1d07a3e9c54d2a1b7e60f3c',
  reportRun: 'rrn_0198c6b2f1d07a3e9c54d2a1b7e60f3b',
  backOffice: 'app_0198c69e2f437a11b8c4d0e9f6a2537d',
  key: 'key_0198c69f5d2e7b81a4c7e0d3f6b92a15',
};
export const eur = (amount: number) => ({ amount, currency: 'EUR' });
export const placedAt = '2026-03-14T09:26:53.589Z';
export const address = { line1: 'Hauptstraße 5', city: 'Graz', postalCode: '8010', country: 'AT' };

export const customer = {
  id: ids.customer,
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  address: null,
  premium: false,
  verifiedVatNumber: null,
  suspended: false,
  createdAt: '2026-03-14T09:20:11.020Z',
  updatedAt: '2026-03-14T09:20:11.020Z',
  version: 1,
};

export const product = {
  id: ids.product,
  parentId: null,
  sku: 'TEAPOT-1',
  name: 'Teapot',
  description: 'Holds 1.2 litres.',
  categoryId: ids.category,
  brand: 'Kettle & Co',
  images: [{ url: 'https://images.example.com/teapot-front.jpg', alt: 'A round teapot, seen from the front' }],
  attributes: { colour: 'blue', litres: 1.2, dishwasherSafe: true },
  metadata: { shelf: 'B-12' },
  options: [],
  optionValues: {},
  price: eur(4990),
  priceRange: { from: eur(4990), to: eur(4990) },
  taxClass: 'standard',
  weight: 850,
  active: true,
  createdAt: '2026-03-02T08:00:00.000Z',
  updatedAt: '2026-03-02T08:00:00.000Z',
  version: 1,
};

/** The teapot as one that comes in two sizes, and the large one. */
export const withOptions = {
  ...product,
  options: [{ name: 'Size', values: ['small', 'large'] }],
  priceRange: { from: eur(4990), to: eur(6490) },
};

export const largeTeapot = {
  ...product,
  id: ids.variant,
  parentId: ids.product,
  sku: 'TEAPOT-1-L',
  name: 'Teapot, large',
  description: null,
  attributes: {},
  images: [],
  metadata: {},
  optionValues: { Size: 'large' },
  price: eur(6490),
  priceRange: { from: eur(6490), to: eur(6490) },
  weight: 1100,
};

/** A product as what is sold of it. */
export const variantOf = <O extends object>(
  one: Omit<typeof product, 'parentId' | 'description' | 'attributes' | 'metadata' | 'optionValues'> & {
    optionValues: O;
  },
) => {
  const { id, sku, name, optionValues, images, price, weight, active, version } = one;
  return { id, sku, name, optionValues, images, price, weight, active, version };
};
const variant = variantOf(largeTeapot);

export const category = {
  id: ids.category,
  parentId: null,
  slug: 'teapots',
  name: 'Teapots',
  position: 10,
  level: 1,
  createdAt: '2026-03-01T08:00:00.000Z',
  updatedAt: '2026-03-01T08:00:00.000Z',
  version: 1,
};

const dated = { createdAt: '2026-03-01T08:00:00.000Z', updatedAt: '2026-03-01T08:00:00.000Z', version: 1 };
export const shippingMethod = {
  code: 'parcel',
  name: 'Parcel',
  position: 0,
  countries: ['AT', 'DE'],
  currency: 'EUR',
  cost: {
    type: 'by-weight' as const,
    tiers: [
      { upTo: 5000, amount: 595 },
      { upTo: 31500, amount: 1195 },
    ],
  },
  freeAbove: 15000,
  taxClass: 'standard',
  active: true,
  ...dated,
};
export const taxRate = {
  code: 'at-standard',
  name: 'Austrian VAT',
  country: 'AT',
  region: null,
  taxClass: 'standard',
  rate: 200000,
  reverseCharge: true,
  validFrom: null,
  validTo: null,
  ...dated,
};
export const coupon = {
  code: 'SPRING-10',
  value: { type: 'percent' as const, percent: 10 },
  validFrom: '2026-03-01T00:00:00.000Z',
  validTo: '2026-04-01T00:00:00.000Z',
  usageLimit: 500,
  customerLimit: 1,
  used: 12,
  ...dated,
};

export const priced = {
  lines: [
    {
      ...{
        productId: ids.product,
        sku: 'TEAPOT-1',
        name: 'Teapot',
        quantity: 2,
        unitPrice: eur(4990),
        total: eur(9980),
      },
      ...{ discount: eur(998), tax: eur(0), taxRate: null },
    },
    {
      ...{ productId: ids.mug, sku: 'MUG-3', name: 'Mug', quantity: 1, unitPrice: eur(1520), total: eur(1520) },
      ...{ discount: eur(152), tax: eur(0), taxRate: null },
    },
  ],
  subtotal: eur(11500),
  discount: { ...eur(1150), reason: 'large-order' as const },
  couponCode: null,
  shipping: null,
  tax: null,
  total: eur(10350),
};

const nothingShipped = { fulfilled: 0, shipped: 0, delivered: 0, returned: 0, cancelled: 0 };
export const orderAddress = {
  name: 'Ada Byron',
  line1: 'Hauptstraße 5',
  postalCode: '8010',
  city: 'Graz',
  country: 'AT',
};
/** As the customer keeps it. */
export const keptAddress = {
  id: ids.address,
  address: orderAddress,
  defaultShipping: true,
  defaultBilling: true,
  createdAt: placedAt,
  updatedAt: placedAt,
  version: 1,
};

export const contact = { email: 'ada@example.com', phone: '+43 316 000000' };

export const pending = {
  id: ids.order,
  number: 'CF-10042',
  status: 'pending' as const,
  fulfilmentStatus: 'unfulfilled' as const,
  customerId: ids.customer,
  placedBy: null,
  ...priced,
  lines: priced.lines.map((line) => ({ ...line, ...nothingShipped })),
  shippingAddress: orderAddress,
  billingAddress: null,
  contact,
  note: null,
  metadata: {},
  payment: null,
  paymentAction: null,
  failure: null,
  createdAt: placedAt,
  updatedAt: placedAt,
  version: 1,
  archived: false,
};

export const fulfilment = {
  id: ids.fulfilment,
  orderId: ids.order,
  status: 'pending' as const,
  lines: [
    { productId: ids.product, quantity: 2 },
    { productId: ids.mug, quantity: 1 },
  ],
  carrier: 'DHL',
  trackingNumber: null,
  trackingUrl: null,
  shippedAt: null,
  deliveredAt: null,
  createdAt: '2026-03-15T08:12:10.105Z',
  updatedAt: '2026-03-15T08:12:10.105Z',
};

export const shipped = {
  ...fulfilment,
  status: 'shipped' as const,
  trackingNumber: '00340434161094021501',
  trackingUrl: 'https://parcels.example/track?code=00340434161094021501',
  shippedAt: '2026-03-15T16:40:02.733Z',
  updatedAt: '2026-03-15T16:40:02.733Z',
};

export const delivered = {
  ...shipped,
  status: 'delivered' as const,
  deliveredAt: '2026-03-17T11:05:44.020Z',
  updatedAt: '2026-03-17T11:05:44.020Z',
};

export const orderReturn = {
  id: ids.return,
  orderId: ids.order,
  status: 'requested' as const,
  lines: [{ productId: ids.mug, quantity: 1, reason: 'damaged' as const, restocked: 0, writtenOff: 0 }],
  rejection: null,
  createdAt: '2026-03-18T19:21:09.512Z',
  updatedAt: '2026-03-18T19:21:09.512Z',
};

export const refund = {
  id: ids.refund,
  orderId: ids.order,
  status: 'requested' as const,
  amount: eur(1368),
  reason: 'the mug arrived broken',
  lines: [{ productId: ids.mug, quantity: 1, amount: eur(1368), discount: eur(152), tax: eur(0) }],
  shipping: null,
  returnId: null,
  failure: null,
  createdAt: '2026-03-19T14:02:33.410Z',
  updatedAt: '2026-03-19T14:02:33.410Z',
};

export const capture = {
  orderId: ids.order,
  orderStatus: 'confirmed' as const,
  paymentId: ids.payment,
  status: 'authorized' as const,
  amount: eur(8982),
  expiresAt: '2026-03-21T09:26:54.000Z',
  requestedAt: '2026-03-16T07:30:12.004Z',
  requestedBy: 'key:01980c0f',
  capturedAt: null,
};

export const confirmed = {
  ...pending,
  status: 'confirmed' as const,
  payment: { id: ids.payment, status: 'captured' as const, refunded: eur(0) },
  updatedAt: '2026-03-14T09:26:53.911Z',
  version: 4,
};

export const cancelled = {
  ...confirmed,
  status: 'cancelled' as const,
  payment: { id: ids.payment, status: 'refunded' as const, refunded: eur(10350) },
  updatedAt: '2026-03-14T10:02:44.310Z',
  version: 7,
};

export const level = { onHand: 120, reserved: 2, available: 118, lowStockAt: 5 };
export const movement = {
  id: ids.movement,
  productId: ids.product,
  kind: 'adjustment' as const,
  quantity: 120,
  reserved: 0,
  reason: 'delivery 4711',
  orderId: null,
  createdAt: '2026-03-02T08:05:00.000Z',
};
export const lines = [
  { productId: ids.product, quantity: 2 },
  { productId: ids.mug, quantity: 1 },
];
export const opened = {
  ...pending,
  status: 'needs_attention' as const,
  failure: {
    code: 'payment-unknown' as const,
    detail: 'The payment provider did not answer in time; we are finding out whether money was taken.',
  },
  updatedAt: '2026-03-14T09:28:41.207Z',
  version: 4,
};
export const review = {
  attempt: 0,
  openedAt: '2026-03-14T09:28:41.207Z',
  ageSeconds: 1260,
  fromStatus: 'reserved' as const,
  reason: 'payment-unknown',
  steps: ['RefundPayment'],
  error: 'OutcomeUnknown',
  message: 'the provider did not answer within 8000 ms',
  moneyAtStake: { ...eur(10350), certain: false },
  stockAtStake: [],
  execution: ids.order,
  settledAt: null,
  settledHow: null,
};
export const reviewOrder = { ...opened, compensationAttempts: 0, manualReview: review };
export const settled = { ...review, settledAt: '2026-03-14T09:49:41.207Z', settledHow: 'retried' as const };
export const readAction = {
  id: ids.action,
  at: '2026-03-14T09:49:41.207Z',
  keyId: ids.key,
  action: 'read' as const,
  outcome: null,
  note: null,
  refundReference: null,
  requestId: 'req_0198c6c9a3b17e01a5c2d7f8b4e69c30',
};

export const webhookEndpoint = {
  id: ids.webhookEndpoint,
  url: 'https://shop.example.com/webhooks',
  events: ['order.*', 'refund.succeeded'],
  description: 'Follows orders',
  headers: {},
  ordered: false,
  rateLimit: null,
  status: 'active' as const,
  disabledBecause: null,
  failingSince: null,
  createdAt: placedAt,
  updatedAt: placedAt,
  version: 1,
};

export const webhookDelivery = {
  id: ids.delivery,
  eventId: ids.event,
  type: 'order.cancelled',
  status: 'pending' as const,
  replay: false,
  attempts: 1,
  nextAttemptAt: '2026-03-14T09:27:04.120Z',
  lastAttempt: {
    at: '2026-03-14T09:26:58.900Z',
    status: 500,
    body: 'upstream is away',
    error: null,
    milliseconds: 41,
  },
  createdAt: '2026-03-14T09:26:54.120Z',
};

export const application = {
  id: ids.application,
  name: 'Web shop',
  kind: 'web' as const,
  status: 'active' as const,
  scopes: ['catalog:read' as const, 'orders:read' as const, 'orders:place' as const, 'customers:write' as const],
  rateClass: 'standard' as const,
  origins: ['https://shop.example'],
  identityClientIds: [],
  contact: 'web@shop.example',
  registeredBy: ids.backOffice,
  createdAt: placedAt,
  updatedAt: placedAt,
  version: 1,
};
export const appKey = { id: ids.key, createdAt: placedAt, expiresAt: null, lastUsedAt: null, createdBy: ids.key };

const identity = {
  id: ids.identity,
  issuer: 'https://login.shop.example',
  email: 'ada@example.com',
  linkedAt: placedAt,
  lastUsedAt: placedAt,
};

export const lastPage = { hasMore: false, nextCursor: null };
export const up = (latencyMs: number) => ({ status: 'up' as const, latencyMs });

/** An example of each id, by what it names. */
export const exampleIds: Readonly<Partial<Record<IdKind, string>>> = {
  customer: ids.customer,
  address: ids.address,
  product: ids.product,
  category: ids.category,
  import: ids.import,
  order: ids.order,
  payment: ids.payment,
  refund: ids.refund,
  fulfilment: ids.fulfilment,
  cancellation: ids.cancellation,
  return: ids.return,
  movement: ids.movement,
  finding: ids.finding,
  event: ids.event,
  identity: ids.identity,
  action: ids.action,
  session: ids.session,
  application: ids.application,
  access: ids.access,
  appKey: ids.key,
  webhookEndpoint: ids.webhookEndpoint,
  delivery: ids.delivery,
  reportSubscription: ids.reportSubscription,
  reportRun: ids.reportRun,
  reportExport: ids.reportExport,
  request: readAction.requestId,
};

/** Codes that shops choose, for whoever takes one of their forms. */
export const exampleCodes: readonly string[] = [shippingMethod.code, taxRate.code, coupon.code];

/** Examples of texts, by the name of the property that has them. */
export const exampleTexts: Readonly<Record<string, string>> = {
  email: customer.email,
  name: customer.name,
  token: 'cfe_m3pL2w',
  password: 'correct horse battery',
  newPassword: 'battery horse correct',
  sku: product.sku,
  carrier: shipped.carrier,
  trackingNumber: shipped.trackingNumber,
  trackingUrl: shipped.trackingUrl,
  reason: refund.reason,
  currency: 'EUR',
  version: '0.1.0',
  idToken: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyLTEifQ.c2lnbmF0dXJl',
};

export const exampleTime = placedAt;

/** An example of each thing that several operations answer with, by the name of its schema. */
export const reportSubscription = {
  id: ids.reportSubscription,
  name: 'Every morning',
  report: 'sales' as const,
  parameters: { groupBy: 'product' },
  range: 'yesterday' as const,
  schedule: { every: 'day' as const, hour: 8, zone: 'Europe/Vienna' },
  emails: ['owner@shop.example'],
  attachment: 'csv' as const,
  webhook: false,
  status: 'active' as const,
  nextAt: '2026-03-15T07:00:00.000Z',
  createdAt: placedAt,
  updatedAt: placedAt,
  version: 1,
};

export const reportRun = {
  id: ids.reportRun,
  dueAt: '2026-03-14T07:00:00.000Z',
  status: 'sent' as const,
  reason: null,
  from: '2026-03-13',
  to: '2026-03-14',
  asOf: '2026-03-14T07:00:12.400Z',
  lagSeconds: 0.3,
  stale: false,
  rows: 42,
  emails: 1,
  endedAt: '2026-03-14T07:00:12.950Z',
};

export const reportExport = {
  id: ids.reportExport,
  report: 'products' as const,
  parameters: { from: '2025-03-01', to: '2026-03-01' },
  format: 'parquet' as const,
  status: 'completed' as const,
  progress: 'done' as const,
  rows: 52_310,
  bytes: 1_604_211,
  asOf: '2026-03-14T09:27:04.100Z',
  lagSeconds: 0.3,
  stale: false,
  failure: null,
  download: { url: 'https://shop.example/exports/products.parquet', expiresAt: '2026-03-14T09:45:00.000Z' },
  createdAt: placedAt,
  endedAt: '2026-03-14T09:27:05.000Z',
  expiresAt: '2026-03-21T09:27:05.000Z',
};

export const exampleThings: Readonly<Record<string, unknown>> = {
  Money: eur(4990),
  Product: product,
  ProductOption: { name: 'Size', values: ['small', 'large'] },
  ProductWithVariants: { ...withOptions, variants: [variant] },
  Variant: variant,
  ListedProduct: { ...product, availability: 'in_stock' },
  Category: category,
  Customer: customer,
  Address: address,
  OrderAddress: orderAddress,
  OrderContact: contact,
  CustomerAddress: keptAddress,
  Identity: identity,
  Quote: priced,
  Order: confirmed,
  PaymentCapture: capture,
  Refund: refund,
  Fulfilment: fulfilment,
  Return: orderReturn,
  StockLevel: level,
  StockMovement: movement,
  ReviewOrder: reviewOrder,
  ReportSubscription: reportSubscription,
  ReportRun: reportRun,
  ReportExport: reportExport,
};
