import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestEmailChange, requestPasswordReset, signUp } from '../../lib/accounts/customers/account-requests.ts';
import { confirmCustomer, findStanding, setEmail, setPassword } from '../../lib/accounts/customers/accounts.sql.ts';
import {
  findCustomer,
  findStoredPassword,
  findStoredPasswordOf,
  replacePasswordHash,
  updateCustomer,
} from '../../lib/accounts/customers/customers.sql.ts';
import {
  checkToken,
  hashOf,
  purgeTokens,
  useToken,
  voidTokens,
} from '../../lib/accounts/customers/email-tokens.sql.ts';
import {
  deletePersonalRecords,
  dropUnconfirmed,
  emptyCustomer,
  lockForErasure,
} from '../../lib/accounts/customers/erase.sql.ts';
import { exportAccount } from '../../lib/accounts/customers/export.sql.ts';
import { deleteIdentities, listIdentities } from '../../lib/accounts/identities/identities.sql.ts';
import { writeOrderMail } from '../../lib/accounts/mail/order-news.sql.ts';
import { claimMails, giveUpMails, markSent, purgeMails } from '../../lib/accounts/mail/outbox.sql.ts';
import { encodeCursor } from '../../lib/contract/api/cursor.ts';
import type { DatabaseRole } from '../../lib/contract/deploy/roles.ts';
import { idempotent, purgeExpiredKeys } from '../../lib/database/idempotency.sql.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { placeEvents, readFeed } from '../../lib/events/feed.sql.ts';
import { claimEvents, markPublished, oldestUnpublished } from '../../lib/events/publish.sql.ts';
import { listGenerations, readLag } from '../../lib/events/read-models/generations.sql.ts';
import { applyToOrderDetails, dropReplaced } from '../../lib/events/read-models/order-details.sql.ts';
import { findOrderDetails, listOrderDetails } from '../../lib/events/read-models/read-orders.sql.ts';
import { replayEvents } from '../../lib/events/webhooks/replay.sql.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { type IdKind, idTimestamp, newId } from '../../lib/kernel/ids.ts';
import { moveEvents, moveMovements, moveOrders } from '../../lib/operations/archive/move.sql.ts';
import { exportAccesses } from '../../lib/operations/audit/export.ts';
import { explainOrder } from '../../lib/operations/manual-review/explain.ts';
import { findOrders } from '../../lib/operations/manual-review/find.sql.ts';
import { resolveOrder } from '../../lib/operations/manual-review/resolve.ts';
import { retryCompensation } from '../../lib/operations/manual-review/retry.ts';
import {
  findUnbalanced,
  listBalanced,
  listLedgerMonths,
  listMovements,
  moveOpeningBalances,
} from '../../lib/operations/monitoring/balances.sql.ts';
import { listChangedOrders, listEndedOrders, readOpenOrders } from '../../lib/operations/monitoring/orders.sql.ts';
import { checkOrders, countViolations } from '../../lib/operations/monitoring/violations.sql.ts';
import {
  listCommittedOrders,
  listHoldingOrders,
  listPaidOrders,
  listStockBalances,
  readKeptStock,
  readOrderBalances,
  readStockBalances,
} from '../../lib/operations/reconciliation/balances.sql.ts';
import {
  countOpen,
  listFindings,
  listStartedRepairs,
  listUnseen,
  saveVerdicts,
} from '../../lib/operations/reconciliation/findings.sql.ts';
import { awaitPaymentAction } from '../../lib/saga/await-payment.sql.ts';
import { abandonUnlessConfirmed, closeCompensated, requestManualReview } from '../../lib/saga/compensate.sql.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { listFailedCompensations, reopenForCompensation } from '../../lib/saga/retry-compensation.sql.ts';
import { listExpiredReservations, listStaleOrders } from '../../lib/saga/sweep.sql.ts';
import { insertProduct, updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { listProducts } from '../../lib/shop/catalog/list.sql.ts';
import { findProduct, findProducts } from '../../lib/shop/catalog/products.sql.ts';
import { cancelOrder } from '../../lib/shop/orders/cancel.ts';
import { exportOrders } from '../../lib/shop/orders/export.sql.ts';
import { placeOrder } from '../../lib/shop/orders/place.ts';
import { findOrder, listOrders, readTimeline } from '../../lib/shop/orders/read.sql.ts';
import { claimRefund, findRefund, listRefunds, readRefundToMake } from '../../lib/shop/payments/refunds.sql.ts';
import { listOpenRefunds, nextAttempt, settleRefund } from '../../lib/shop/payments/settle-refund.sql.ts';
import { basketOf } from '../../lib/shop/pricing/basket.ts';
import { readPriceable } from '../../lib/shop/pricing/priceable.sql.ts';
import { adjustStock, readLedger } from '../../lib/shop/stock/ledger.sql.ts';
import { releaseHeldOfCompensated, releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { documentsThat } from '../support/dynamo.ts';
import { complaints, type Mode, plansOf, tablesAbove, tablesIn, tellPlans } from '../support/explain.ts';
import { releaseFailed } from '../support/opening-reviews.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions, pricing, unpaidLimits } from '../support/saga.ts';
import { bestCustomer, fillShop, ids, openOrder, sizes } from '../support/shop-of-100k.ts';

let database: TestDatabase;
let big: Set<string>;

beforeAll(async () => {
  database = await createDatabase();

  await fillShop(database);

  await tellPlans(database);
  const owner = database.connect('migrator', { max: 1 });
  big = await tablesAbove(owner, 1000);
  await owner.end();
});

afterAll(() => database?.drop());

const clock = systemClock;
const rules = { clock, mustConfirm: true, pagesUrl: undefined };
const id = (kind: IdKind) => newId(kind, clock);
const keys = <T extends string>(table: T) => ({ table, clock, keepSeconds: 48 * 3600 });
const claim = (caller: string, operation: string) => ({ caller, key: id('request'), operation, fingerprint: 'f' });
const lines = [1, 2, 3].map((n) => ({ productId: ids.product(n), quantity: 1 }));
const chosen = {
  shippingMethod: 'parcel',
  couponCode: 'SPRING',
  shippingAddress: { country: 'DE' },
};
const productIds = lines.map(({ productId }) => productId);
const start = () => Promise.resolve();
const midway = { id: ids.order(5), touchedAt: '2020-01-01 00:00:00+00' };
const at = new Date();
const someOrder = 50_001;
const refund = { amount: 1, reason: 'broken', requestedBy: 'app:key' };
const hexOf = (n: number) => ids.order(n).slice(4);
/** An order in manual review. */
const orderInReview = (n: number) => ids.order(997 * n);
const owner = (n: number) => ids.customer(1 + ((n * 7919) % sizes.customers));

/** How many rows a scan may read of a table with more than 1,000; by default what a page or a basket needs. */
type Call = [name: string, role: DatabaseRole, call: (sql: Sql, mode: Mode) => Promise<unknown>, atMost?: number];

// Each run takes an open order of its own, because the calls change it.
const of = (mode: Mode, n: number) => (mode === 'custom' ? n : n + 10);

const calls: Call[] = [
  [
    'sign-in: the password hash of an e-mail address',
    'customers_api',
    (sql) => findStoredPassword(sql, 'customer777@example.com'),
  ],
  [
    'sign-in: a better hash',
    'customers_api',
    (sql) => replacePasswordHash(sql, ids.customer(7), { from: 'x', to: 'y' }),
  ],
  [
    'sign-up',
    'customers_api',
    (sql) =>
      idempotent(sql, claim('address:10.0.0.1', 'sign-up'), keys('customers.idempotency_keys'), async (tx) => {
        const email = `${id('request')}@example.com`;
        await signUp(tx, { email, name: 'New', passwordHash: 'x', network: '192.0.2.0/24' }, rules);
        return { status: 202, headers: {}, body: '{}' };
      }),
  ],
  [
    'request-password-reset',
    'customers_api',
    (sql) =>
      inTransaction(sql, (tx) =>
        requestPasswordReset(tx, { email: 'customer778@example.com', network: '192.0.2.0/24' }, rules),
      ),
  ],
  [
    'request-email-change',
    'customers_api',
    async (sql) => {
      const owner = await findStoredPasswordOf(sql, ids.customer(779));
      await inTransaction(sql, (tx) =>
        requestEmailChange(tx, owner, { email: `${id('request')}@example.com`, network: '192.0.2.0/24' }, rules),
      );
    },
  ],
  [
    'a token is looked at, used and voided',
    'customers_api',
    async (sql, mode) => {
      const token = { purpose: 'confirm', hash: hashOf(`token ${of(mode, 900)}`) } as const;
      await checkToken(sql, token, clock);
      await inTransaction(sql, async (tx) => {
        const { customerId } = await useToken(tx, token, clock);
        await voidTokens(tx, customerId, clock);
        await confirmCustomer(tx, customerId, clock);
        await setPassword(tx, { id: customerId, passwordHash: 'x' });
        await setEmail(tx, { id: customerId, email: `${id('request')}@example.com` }, clock);
      });
      await findStanding(sql, ids.customer(780));
    },
  ],
  [
    'send-mails',
    'mailer',
    async (sql) => {
      for (const { id } of await claimMails(sql, 10, clock)) await markSent(sql, id, clock);
      await giveUpMails(sql, clock);
    },
  ],
  [
    'purge-expired: mails and tokens',
    'jobs',
    async (sql) => {
      await purgeMails(sql, { now: new Date(), limit: 100 });
      await purgeTokens(sql, { now: new Date(), limit: 100 });
    },
  ],
  [
    'purge-expired: sign-ups',
    'jobs',
    (sql) =>
      dropUnconfirmed(sql, {
        signedUpBefore: new Date(Date.now() - 7 * 24 * 3600_000),
        now: new Date(),
        after: undefined,
        limit: 100,
      }),
  ],
  [
    'export-me',
    'customer_export',
    async (sql) => {
      await exportAccount(sql, ids.customer(777));
      await listIdentities(sql, ids.customer(777));
      await exportOrders(sql, { customerId: ids.customer(777), before: undefined, limit: 101 });
      await exportAccesses(sql, ids.customer(777), undefined, clock);
    },
  ],
  [
    'erase-me',
    'customer_erasure',
    (sql, mode) =>
      inTransaction(sql, async (tx) => {
        const customer = ids.customer(of(mode, 790));
        const { email } = await lockForErasure(tx, customer);
        await deleteIdentities(tx, customer);
        await deletePersonalRecords(tx, { id: customer, email }, clock);
        await emptyCustomer(tx, { id: customer, eventId: newId('event', clock), requestId: 'req_1' }, clock);
      }),
  ],
  ['list-events from the middle', 'events_api', (sql) => readFeed(sql, { after: 5000, limit: 100 })],
  ['list-events', 'events_api', (sql) => readFeed(sql, { after: 10_000_000, limit: 100 }), 10_000],
  ['get-me', 'profiles_api', (sql) => findCustomer(sql, ids.customer(777))],
  ['update-me', 'customers_api', (sql) => updateCustomer(sql, ids.customer(777), { name: 'X' }, {}, clock)],

  ['list-products', 'catalog_reader', (sql) => listProducts(sql, { active: true }, { limit: 20 })],
  ['list-products off sale', 'catalog_reader', (sql) => listProducts(sql, { active: false }, { limit: 20 })],
  ['list-products by SKU', 'catalog_reader', (sql) => listProducts(sql, { sku: 'SKU-777' }, { limit: 20 })],
  [
    'list-products from the middle',
    'catalog_reader',
    (sql) =>
      listProducts(sql, { active: true }, { limit: 100, cursor: encodeCursor('list-products', ids.product(2500)) }),
  ],
  ['get-product', 'catalog_reader', (sql) => findProduct(sql, ids.product(777))],
  ['get-order with its products', 'catalog_reader', (sql) => findProducts(sql, productIds)],
  [
    'create-product',
    'catalog_api',
    (sql) => {
      const price = { amount: 1, currency: 'EUR' };
      return insertProduct(sql, { sku: id('request'), name: 'X', price, active: true, description: null }, clock);
    },
  ],
  ['update-product', 'catalog_api', (sql) => updateProduct(sql, ids.product(777), { name: 'X' }, {}, clock)],
  ['list-stock-movements', 'catalog_api', (sql) => readLedger(sql, ids.product(777), { limit: 20 })],
  [
    'list-stock-movements from the middle',
    'catalog_api',
    (sql) => {
      const cursor = encodeCursor(`list-stock-movements ${ids.product(777)}`, `mov_${ids.order(someOrder).slice(4)}`);
      return readLedger(sql, ids.product(777), { limit: 20, cursor });
    },
  ],
  [
    'create-stock-movement',
    'catalog_api',
    (sql) => sql.begin((tx) => adjustStock(tx, ids.product(777), { quantity: 1, reason: 'x' }, clock)),
  ],

  [
    'create-quote',
    'orders_api',
    (sql) => readPriceable(sql, basketOf({ lines, ...chosen }, ids.customer(5), clock.now())),
  ],
  [
    'place-order',
    'orders_api',
    (sql) => {
      const customerId = ids.customer(5);
      const claimed = claim(`customer:${customerId}`, 'place-order');
      const deps = {
        sql,
        clock,
        startPlacing: start,
        unpaidLimits,
        pricing,
        numberPrefix: 'CF',
        keys: keys('orders.idempotency_keys'),
      };
      return placeOrder(deps, claimed, { customerId, lines, paymentMethod: 'pm_card_visa' });
    },
  ],
  [
    'place-order once more',
    'orders_api',
    (sql) => {
      const customerId = owner(sizes.orders - 1);
      const claimed = {
        ...claim(`customer:${customerId}`, 'place-order'),
        key: `key-${sizes.orders - 1}`,
        fingerprint: 'hash',
      };
      const deps = {
        sql,
        clock,
        startPlacing: start,
        unpaidLimits,
        pricing,
        numberPrefix: 'CF',
        keys: keys('orders.idempotency_keys'),
      };
      return placeOrder(deps, claimed, { customerId, lines, paymentMethod: 'pm_card_visa' });
    },
  ],
  ['get-order', 'orders_api', (sql) => findOrder(sql, { orderId: ids.order(someOrder), customerId: owner(someOrder) })],
  [
    'get-order-timeline',
    'orders_api',
    (sql) => readTimeline(sql, { orderId: ids.order(someOrder), customerId: owner(someOrder) }),
  ],
  ['list-orders', 'orders_api', (sql) => list(sql, owner(someOrder))],
  ['list-orders of the best customer', 'orders_api', (sql) => list(sql, bestCustomer)],
  ['list-orders from the middle', 'orders_api', (sql) => list(sql, bestCustomer, { before: ids.order(someOrder) })],
  ['list-orders in a rare status', 'orders_api', (sql) => list(sql, bestCustomer, { status: 'needs_attention' })],
  ['list-orders in a common status', 'orders_api', (sql) => list(sql, bestCustomer, { status: 'failed' })],
  [
    'list-orders in a status from the middle',
    'orders_api',
    (sql) => list(sql, bestCustomer, { status: 'failed', before: ids.order(someOrder) }),
  ],
  [
    'cancel-order',
    'cancellations_api',
    (sql, mode) => {
      const n = sizes.orders - 1000 - of(mode, 1);
      const deps = {
        sql,
        clock,
        startCompensating: start,
        startRefunding: start,
        resumeSaga: async () => {},
        windowSeconds: 86_400,
        keys: keys('orders.idempotency_keys'),
      };
      return cancelOrder(deps, claim(`customer:${owner(n)}`, 'cancel-order'), {
        orderId: ids.order(n),
        customerId: owner(n),
        requestedBy: 'buyer',
      });
    },
  ],

  [
    'ReserveStock',
    'saga',
    (sql, mode) =>
      reserveAllOrNothing(sql, {
        eventId: newId('event', systemClock),
        orderId: openOrder('pending', of(mode, 1)),
        at,
        expiresAt: at,
      }),
  ],
  [
    'ConfirmOrder',
    'saga',
    (sql, mode) =>
      confirmIfReserved(sql, {
        orderId: openOrder('reserved', of(mode, 1)),
        paymentId: id('payment'),
        eventId: id('event'),
        paymentEventId: id('event'),
        provider: 'simulated',
        reference: id('request'),
        at,
      }),
  ],
  [
    'AwaitPayment',
    'saga',
    (sql, mode) => {
      const action = { type: 'simulated' as const, path: '/simulated-payments/x' };
      return awaitPaymentAction(sql, { orderId: openOrder('reserved', of(mode, 5)), action, at: new Date(0) });
    },
  ],
  [
    'request-refund',
    'refunds_api',
    (sql) =>
      sql.begin(async (tx) => {
        const claimed = await claimRefund(tx, { ...refund, id: id('refund'), orderId: ids.order(50_002), at });
        if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
        return readRefundToMake(tx, claimed.refund.id);
      }),
  ],
  [
    'list-refunds',
    'refunds_api',
    (sql) => listRefunds(sql, { orderId: ids.order(50_001), before: undefined, limit: 21 }),
  ],
  [
    'get-refund',
    'refunds_api',
    (sql) => findRefund(sql, { orderId: ids.order(50_001), refundId: `rfd_${hexOf(50_001)}` }),
  ],
  [
    'SettleRefund',
    'saga',
    (sql, mode) => {
      const refundId = `rfd_${hexOf(of(mode, 1) === 1 ? 2011 : 4011)}`;
      return settleRefund(sql, { refundId, eventId: id('event'), at, outcome: 'succeeded', reference: id('request') });
    },
  ],
  ['sweep-orders: open refunds', 'saga', (sql) => listOpenRefunds(sql, { before: new Date(), limit: 50 })],
  [
    'sweep-orders: one more attempt of a refund',
    'saga',
    (sql) => nextAttempt(sql, { refundId: `rfd_${hexOf(6011)}`, attempt: 1, at }),
  ],
  [
    'sweep-orders: orders whose customer has to act, from the middle',
    'saga',
    (sql) => listStaleOrders(sql, { before: new Date(), among: 'awaited', limit: 50, after: midway }),
  ],
  [
    'AbandonOrder',
    'saga',
    (sql, mode) => abandonUnlessConfirmed(sql, { orderId: openOrder('reserved', of(mode, 2)), at }),
  ],
  [
    'ReleaseStock and CloseOrder of a reserved order',
    'saga',
    async (sql, mode) => {
      const orderId = openOrder('reserved', of(mode, 3));
      await releaseWhatIsHeld(sql, { orderId, at });
      await close(sql, orderId);
    },
  ],
  [
    'ReleaseStock and CloseOrder of a cancelled one',
    'saga',
    async (sql, mode) => {
      const orderId = openOrder('cancelling', of(mode, 1));
      await releaseWhatIsHeld(sql, { orderId, at });
      await close(sql, orderId);
    },
  ],
  [
    'RequestManualReview',
    'saga',
    (sql, mode) =>
      requestManualReview(sql, {
        orderId: openOrder('reserved', of(mode, 4)),
        eventId: id('event'),
        reason: 'x',
        detail: 'x',
        at,
        ...releaseFailed('x'),
      }),
  ],
  [
    'sweep-orders: stale orders whose saga may never have begun, from the middle',
    'saga',
    (sql) => listStaleOrders(sql, { before: new Date(), among: 'unbegun', limit: 50, after: midway }),
  ],
  [
    'sweep-orders: stale orders whose saga has begun, from the middle',
    'saga',
    (sql) => listStaleOrders(sql, { before: new Date(), among: 'begun', limit: 50, after: midway }),
  ],
  // A reader of orders in manual review reads them all: there are some hundred.
  ['sweep-orders: expired reservations', 'saga', (sql) => listExpiredReservations(sql, { now: new Date(), limit: 50 })],
  [
    'sweep-orders: compensations that failed',
    'saga',
    (sql) => listFailedCompensations(sql, { now: new Date(), firstPauseSeconds: 900, most: 5, limit: 200 }),
  ],
  [
    'sweep-orders: a compensation once more',
    'saga',
    (sql, mode) =>
      sql.begin((tx) => reopenForCompensation(tx, orderInReview(of(mode, 4)), { at: new Date(), only: 0 })),
  ],
  ['reconcile: orders of charges', 'reconciler', (sql) => readOrderBalances(sql, [1, 2, 3, 4, 5].map(ids.order))],
  [
    'reconcile: a page of payments',
    'reconciler',
    (sql) => listPaidOrders(sql, { after: `pay_${hexOf(50_000)}`, before: `pay_${hexOf(60_000)}`, limit: 100 }),
  ],
  // Reads everything that is held: by open orders and by those in manual review.
  [
    'reconcile: stock held for nobody',
    'reconciler',
    (sql) => listHoldingOrders(sql, { after: '', expiredBefore: new Date(0), limit: 100 }),
  ],
  [
    'reconcile: a slice of the orders that stock is committed for',
    'reconciler',
    (sql) => listCommittedOrders(sql, { after: ids.order(50_000), limit: 100 }),
  ],
  ['reconcile: stock kept for orders', 'reconciler', (sql) => readKeptStock(sql, [1, 2, 3].map(ids.order))],
  // Adds up a product's whole ledger.
  [
    'reconcile: a page of levels',
    'reconciler',
    (sql) => listStockBalances(sql, { after: ids.product(100), limit: 5 }),
    1000,
  ],
  [
    'reconcile: keeping what was found',
    'reconciler',
    async (sql) => {
      const problem = { details: {}, advice: 'x' };
      await saveVerdicts(sql, [{ kind: 'charge-twice', subject: 'x', problem }], clock);
      await saveVerdicts(sql, [{ kind: 'charge-twice', subject: 'x' }], clock);
      await listUnseen(sql, { kinds: ['charge-twice'], since: new Date(), after: '', limit: 100 });
      await countOpen(sql);
      await listStartedRepairs(sql, { limit: 100 });
    },
  ],
  [
    'reconcile: releasing what nobody needs',
    'reconciler',
    (sql) => releaseHeldOfCompensated(sql, { orderId: ids.order(20), at }),
  ],
  [
    'reconcile: levels of products',
    'reconciler',
    (sql) => readStockBalances(sql, [1, 2, 3].map(ids.product)),
    // What is held is added up for all products at once.
    1000,
  ],
  // Levels come with the sum of their whole ledger as long as they have no opening balance.
  [
    'check-invariants: a slice of levels',
    'monitor',
    (sql) => listBalanced(sql, { after: ids.product(100), limit: 5 }),
    1000,
  ],
  ['check-invariants: levels of products', 'monitor', (sql) => findUnbalanced(sql, [1, 2, 3].map(ids.product)), 1000],
  [
    'check-invariants: opening balances',
    'monitor',
    async (sql) => {
      await moveOpeningBalances(sql, [1, 2, 3].map(ids.product), new Date());
      await listLedgerMonths(sql, { after: { productId: ids.product(1), month: '' }, limit: 2 });
    },
    1000,
  ],
  [
    'check-invariants: what moved',
    'monitor',
    (sql) => listMovements(sql, { after: `mov_${hexOf(90_000)}`, limit: 100 }),
  ],
  [
    'check-invariants: what ended',
    'monitor',
    (sql) => listChangedOrders(sql, { since: new Date(Date.now() - 3_600_000), after: '', limit: 100 }),
    // Each end brings a page of its own.
    300,
  ],
  [
    'check-invariants: a slice of orders',
    'monitor',
    async (sql) => {
      const ended = await listEndedOrders(sql, { after: ids.order(50_000), limit: 20 });
      await checkOrders(sql, ended, new Date());
    },
  ],
  ['check-invariants: what is known', 'monitor', (sql) => countViolations(sql, new Date())],
  [
    'publish-events: a batch',
    'publisher',
    (sql) =>
      inTransaction(sql, async (tx) => {
        const events = await claimEvents(tx, 100);
        await markPublished(tx, [events[0]!.id], new Date());
        await oldestUnpublished(tx);
      }),
  ],
  [
    'mail-order-news',
    'order_mails',
    (sql) =>
      writeOrderMail(
        sql,
        {
          id: id('event'),
          type: 'order.cancelled',
          version: 1,
          subject: ids.order(1),
          aggregateId: ids.order(1),
          sequence: 3,
          occurredAt: at.toISOString(),
          correlationId: null,
          causationId: null,
          data: { orderId: ids.order(1), number: 'CF-10001', customerId: bestCustomer, contact: null },
        },
        clock,
      ),
  ],
  [
    'list-order-details',
    'back_office_api',
    async (sql) => {
      for (const filter of [
        {},
        { status: 'failed' },
        { customerId: bestCustomer },
        { email: 'customer7@example.com' },
      ] as const) {
        await listOrderDetails(sql, { ...filter, before: ids.order(90_000), limit: 20 }, Date.now());
      }
    },
    100,
  ],
  [
    'get-order-details',
    'back_office_api',
    (sql) => findOrderDetails(sql, { orderId: ids.order(50_000), minSequence: 1 }, Date.now()),
  ],
  [
    'update-read-models: what there is to do',
    'read_models',
    async (sql) => {
      await listGenerations(sql, 'order_details');
      await readLag(sql, 'order_details', Date.now());
      await dropReplaced(sql, 1000);
    },
  ],
  [
    'update-read-models: a page',
    'read_models',
    (sql) =>
      inTransaction(sql, async (tx) => {
        const event = (aggregateId: string, type: string, data: object) => ({
          id: id('event'),
          type,
          version: 1,
          subject: aggregateId,
          aggregateId,
          sequence: 9,
          occurredAt: at.toISOString(),
          correlationId: null,
          causationId: null,
          data,
        });
        await applyToOrderDetails(tx, 1, [
          event(ids.order(50_000), 'order.reserved', {}),
          event(ids.customer(777), 'customer.updated', { email: 'x@example.com', name: 'X', premium: false }),
        ]);
      }),
  ],
  [
    'replay-webhook-events',
    'events_api',
    async (sql) => {
      const client = documentsThat(async () => ({}));
      const store = { client, endpoints: '', deliveries: '', queue: '', clock };
      const from = idTimestamp(`evt_${hexOf(50_000)}`);
      await replayEvents(sql, store, { endpointId: 'whe_1', events: ['order.*'] } as never, {
        from,
        to: from + 1,
        personalData: true,
      });
    },
    // What a page has.
    1001,
  ],
  ['list-findings', 'monitor', (sql) => listFindings(sql, { state: 'open', limit: 20 })],
  ['watch-orders', 'monitor', (sql) => readOpenOrders(sql, new Date())],
  ['purge-expired', 'jobs', (sql) => purgeExpiredKeys(sql, 'orders.idempotency_keys', { now: new Date(), limit: 100 })],
  ['archive-records: orders', 'jobs', (sql) => moveOrders(sql, { before: new Date(), now: new Date(), limit: 10 })],
  ['archive-records: movements', 'jobs', (sql) => moveMovements(sql, { after: '', before: new Date(), limit: 10 })],
  [
    'archive-records: events',
    'jobs',
    async (sql) => {
      await placeEvents(sql, { before: new Date(), limit: 10 });
      await moveEvents(sql, { before: new Date(), limit: 10 });
    },
  ],
  ['find-orders', 'manual_review', (sql) => find(sql)],
  [
    'find-orders older than a day',
    'manual_review',
    (sql) => find(sql, { changedBefore: new Date(Date.now() - 86_400_000) }),
  ],
  ['find-orders in a common status', 'manual_review', (sql) => find(sql, { status: 'confirmed' })],
  [
    'find-orders from the middle',
    'manual_review',
    (sql) => {
      const after = `${(Date.now() - sizes.orders * 5000) * 1000}-${ids.order(someOrder)}`;
      return find(sql, { status: 'confirmed', after });
    },
  ],
  [
    'explain-order',
    'manual_review',
    (sql) => {
      const readExecution = async () => undefined;
      const asked = { orderId: orderInReview(1), keyId: 'key_1', requestId: 'req_1' };
      return explainOrder({ sql, clock, readExecution, onError: () => {} }, asked);
    },
  ],
  [
    'retry-compensation',
    'manual_review',
    (sql, mode) => {
      const orderId = orderInReview(of(mode, 2));
      const deps = {
        sql,
        clock,
        startCompensating: start,
        startCapturing: start,
        keys: keys('orders.review_idempotency_keys'),
      };
      return retryCompensation(deps, claim('app:key_1', 'retry-compensation'), {
        orderId,
        keyId: 'key_1',
        requestId: 'req_1',
      });
    },
  ],
  [
    'resolve-order',
    'manual_review',
    (sql, mode) => {
      const asked = { orderId: orderInReview(of(mode, 3)), keyId: 'key_1', requestId: 'req_1', note: 'x' };
      const deps = { sql, clock, keys: keys('orders.review_idempotency_keys') };
      return resolveOrder(deps, claim('app:key_1', 'resolve-order'), { ...asked, outcome: 'failed' });
    },
  ],
];

describe.each<Mode>(['custom', 'generic'])('with 100,000 orders, planned %s', (mode) => {
  test.each(calls)(
    '%s reads through an index, and no more rows than it needs',
    async (_name, role, call, atMost = 300) => {
      const plans = await plansOf(database, { role, mode, options: poolOptions }, (sql) => call(sql, mode));
      expect(plans.length).toBeGreaterThan(0);
      expect(complaints(plans, big, atMost)).toEqual([]);
    },
  );
});

test('the shop is large enough for the tests to notice a full scan', async () => {
  expect([...big].toSorted()).toEqual(
    [
      'catalog.idempotency_keys',
      'catalog.products',
      'customers.customers',
      'customers.email_tokens',
      'customers.mails',
      'customers.idempotency_keys',
      'orders.idempotency_keys',
      'orders.lines',
      'audit.operator_actions',
      'orders.orders',
      'orders.timeline',
      'outbox.events',
      'payments.payments',
      'payments.refunds',
      'read_models.customers',
      'read_models.order_details',
      'stock.levels',
      'stock.movements',
      'stock.reservations',
    ].toSorted(),
  );
  const run = (work: (sql: Sql) => Promise<unknown>) => plansOf(database, { role: 'migrator', mode: 'custom' }, work);
  const all = await run((sql) => sql`select count(*) from orders.orders where total > ${5}`);
  expect(complaints(all, big, 300)).toEqual([expect.stringMatching(/^Seq Scan on orders\.orders in: select count/)]);
  const many = await run((sql) => sql`select * from orders.orders where customer_id = ${bestCustomer}`);
  expect(complaints(many, big, 300)).toContainEqual(expect.stringMatching(/^\d{4} rows by /));
});

test('the plans of triggers and foreign keys are seen as well', async () => {
  const plans = await plansOf(database, { role: 'saga', mode: 'custom', options: poolOptions }, (sql) =>
    confirmIfReserved(sql, {
      orderId: openOrder('reserved', 30),
      paymentId: id('payment'),
      eventId: id('event'),
      paymentEventId: id('event'),
      provider: 'simulated',
      reference: id('request'),
      at,
    }),
  );
  expect([...tablesIn(plans)]).toEqual(expect.arrayContaining(['orders.status_transitions', 'stock.levels']));
});

const list = (sql: Sql, customerId: string, filter: Partial<Parameters<typeof listOrders>[1]> = {}) =>
  listOrders(sql, { customerId, status: undefined, before: undefined, limit: 21, ...filter });

const find = (sql: Sql, filter: Partial<Parameters<typeof findOrders>[1]> = {}) =>
  findOrders(sql, { status: 'needs_attention', limit: 21, ...filter }, Date.now());

const close = (sql: Sql, orderId: string) =>
  closeCompensated(sql, {
    orderId,
    paymentId: id('payment'),
    eventId: id('event'),
    paymentEventId: id('event'),
    failure: { code: 'x', detail: 'x' },
    refund: { outcome: 'refunded', provider: 'simulated', reference: id('request'), refundReference: 're_1' },
    at,
  });
