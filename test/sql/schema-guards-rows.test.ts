import { afterAll, beforeAll, expect, test } from 'vitest';
import { id, openShop, type Shop } from '../support/shop-by-hand.ts';

let shop: Shop;
let unpaid: string;
let another: string;
beforeAll(async () => {
  shop = await openShop();
  await shop.restock();
  another = await shop.insertProduct();
  const paid = await shop.order();
  unpaid = (await shop.order()).id;
  const { sql } = shop;
  await shop.pay(sql, paid);
  await shop.reserve(sql, paid, { state: 'held' });
  await sql`insert into orders.timeline values (${paid.id}, 1, 1, 'order-placed', '{}', now())`;
  await sql`
    insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, data, occurred_at)
    values (${id('event')}, 'order.placed', 1, ${paid.id}, ${paid.id}, 1, '{}', now())`;
  await sql`
    insert into payments.refunds (id, payment_id, order_id, status, amount, currency, reason, requested_by, created_at, updated_at)
    select ${`rfd_${hex}`}, id, order_id, 'requested', 1, 'EUR', 'broken', 'app:key', now(), now()
    from payments.payments`;
  for (const [attempt, settled] of [
    [0, true],
    [1, false],
  ] as const) {
    await sql`
      insert into orders.manual_reviews (
        order_id, attempt, opened_at, from_status, reason, steps, error, message, money_at_stake, money_certain,
        stock_at_stake, execution, settled_at, settled_how
      ) values (
        ${paid.id}, ${attempt}, now(), 'pending', 'x', '[]', 'x', 'x', 0, true, '[]', 'x',
        ${settled ? new Date() : null}, ${settled ? 'retried' : null}
      )`;
  }
  await sql`
    insert into audit.operator_actions (id, order_id, at, key_id, action, request_id)
    values (${`act_${hex}`}, ${paid.id}, now(), 'key', 'read', 'req')`;
  await sql`
    insert into archive.pages (month, orders, first_at, last_at, documents) values ('2020-01-01', 1, now(), now(), '{}')`;
  await sql`
    insert into archive.order_keys (
      id, number, customer_id, status, fulfilment_status, updated_at, currency, total, refunded, products, page_id, archived_at
    )
    select ${no.order}, 'CF-1', ${shop.customerId}, 'failed', 'unfulfilled', now(), 'EUR', 1, 0, '{}', id, now() from archive.pages`;
  await sql`
    insert into archive.ledger_pages (product_id, month, first_id, last_id, movements, on_hand, reserved, entries)
    values (${another}, '2020-01-01', ${`mov_${hex}`}, ${`mov_${hex}`}, 1, 1, 0, '[]')`;
  await sql`
    insert into archive.events select 1, id, type, schema_version, subject, aggregate_id, sequence, occurrence, correlation_id,
      data, occurred_at, now() from outbox.events order by id limit 1`;
  await sql`select audit.add_month(${month})`;
  await sql`
    insert into audit.accesses (at, id, operation, write, status, milliseconds, request_id, resources)
    values (${month}, ${`acc_${hex}`}, 'get-order', false, 200, 1, 'req', array['x'])`;
  await sql`
    insert into audit.touched (resource, at, access_id, write, succeeded)
    values ('x', ${month}, ${`acc_${hex}`}, false, true)`;
  await sql`
    insert into audit.usage (application_id, hour, operation, requests, client_errors, server_errors, buckets)
    values ('app', ${month}, 'get-order', 2, 1, 1, array[2])`;
});
afterAll(() => shop.close());

const hex = '0'.repeat(32);
const month = new Date('2026-03-01T00:00:00Z');
const no = { order: `ord_${hex}`, product: `prd_${hex}`, payment: `pay_${hex}`, customer: `cus_${hex}` };
const long = (length: number) => 'x'.repeat(length);

type Values = Record<string, unknown>;

/** What a copy of a table's first row needs to be another valid row. */
const fresh: Record<string, () => Values> = {
  'orders.orders': () => ({ id: id('order'), number: 'CF-2', status: 'pending' }),
  'orders.lines': () => ({ position: 2, product_id: another }),
  'orders.timeline': () => ({ entry: 2 }),
  'orders.manual_reviews': () => ({ attempt: 2 }),
  'orders.status_transitions': () => ({ from_status: 'failed', to_status: 'failed' }),
  'payments.payments': () => ({ id: id('payment'), order_id: unpaid, reference: 'another' }),
  'payments.refunds': () => ({ id: `rfd_${'1'.repeat(32)}` }),
  'outbox.events': () => ({ id: id('event'), subject: 'another', sequence: 2 }),
  'stock.levels': () => ({ product_id: another }),
  'stock.movements': () => ({ id: id('movement') }),
  'stock.reservations': () => ({ order_id: id('order') }),
  'audit.accesses': () => ({ id: `acc_${'1'.repeat(32)}` }),
  'audit.touched': () => ({ resource: 'y' }),
  'audit.usage': () => ({ operation: 'another' }),
  'audit.operator_actions': () => ({ id: `act_${'1'.repeat(32)}` }),
  'archive.order_keys': () => ({ id: id('order'), number: 'CF-2' }),
  'archive.ledger_pages': () => ({ last_id: `mov_${'1'.repeat(32)}` }),
  'archive.events': () => ({ id: id('event'), position: 2 }),
};

class RolledBack extends Error {}

/** Inserts a copy of a table's first row with other values, and rolls it back. */
async function insertCopy(table: string, values: Values): Promise<void> {
  await shop.sql
    .begin(async (tx) => {
      await tx.unsafe(
        `insert into ${table} select (jsonb_populate_record(t, $1::text::jsonb)).* from ${table} t order by ctid limit 1`,
        [JSON.stringify(values)],
      );
      throw new RolledBack();
    })
    .catch((error) => {
      if (!(error instanceof RolledBack)) throw error;
    });
}

test.each(Object.keys(fresh))('a valid row of %s is accepted', (table) => insertCopy(table, fresh[table]!()));

test.each<[table: string, wrong: Values, constraint: string]>([
  ['orders.orders', { customer_id: no.customer }, 'orders_customer_id_fkey'],
  ['orders.orders', { version: 0 }, 'orders_version_check'],
  ['orders.orders', { subtotal: -1, total: -1 }, 'discount_within_subtotal'],
  ['orders.orders', { shipping_amount: 5, total: 2005 }, 'shipping_has_its_method'],
  ['orders.orders', { shipping_method: 'x', shipping_amount: -5, total: 1995 }, 'orders_shipping_amount_check'],
  ['orders.orders', { shipping_method: 'x', shipping_amount: 5 }, 'order_totals_add_up'],
  ['orders.orders', { shipping_method: 'x', shipping_tax: -1, tax_included: true }, 'orders_shipping_tax_check'],
  ['orders.orders', { shipping_method: 'x', shipping_tax: 1, tax_included: true }, 'tax_of_shipping_within_tax'],
  ['orders.orders', { shipping_tax_rate: 1_000_001 }, 'orders_shipping_tax_rate_check'],
  ['orders.orders', { tax_amount: 5, total: 2005 }, 'tax_has_its_kind'],
  ['orders.orders', { reverse_charge: true }, 'tax_has_its_kind'],
  [
    'orders.orders',
    { tax_included: false, tax_amount: 5, reverse_charge: true, total: 2005 },
    'reverse_charge_without_tax',
  ],
  ['orders.orders', { tax_included: false, tax_amount: 5 }, 'order_totals_add_up'],
  ['orders.orders', { tax_included: true, tax_amount: 5, total: 2005 }, 'order_totals_add_up'],
  ['orders.lines', { order_id: no.order }, 'lines_order_id_fkey'],
  ['orders.lines', { discount: 2001 }, 'shares_within_line'],
  ['orders.lines', { discount: -1 }, 'shares_within_line'],
  ['orders.lines', { tax: -1 }, 'lines_tax_check'],
  ['orders.lines', { tax_rate: 1_000_001 }, 'lines_tax_rate_check'],
  ['orders.lines', { weight: -1 }, 'lines_weight_check'],
  ['orders.lines', { position: 0 }, 'lines_position_check'],
  ['orders.lines', { cancelled: -1 }, 'cancelled_as_ordered'],
  ['orders.lines', { cancelled: 1, fulfilled: 2 }, 'fulfilled_as_ordered'],
  ['orders.lines', { unit_price: -1, total: -2 }, 'lines_unit_price_check'],
  ['orders.timeline', { order_id: no.order }, 'timeline_order_id_fkey'],
  ['orders.manual_reviews', { order_id: no.order }, 'manual_reviews_order_id_fkey'],
  ['orders.manual_reviews', { attempt: -1 }, 'manual_reviews_attempt_check'],
  ['orders.manual_reviews', { steps: {} }, 'manual_reviews_steps_check'],
  ['orders.manual_reviews', { message: long(1001) }, 'manual_reviews_message_check'],
  ['orders.manual_reviews', { money_at_stake: -1 }, 'manual_reviews_money_at_stake_check'],
  ['orders.manual_reviews', { stock_at_stake: {} }, 'manual_reviews_stock_at_stake_check'],
  ['orders.manual_reviews', { settled_how: 'forgotten' }, 'manual_reviews_settled_how_check'],
  ['orders.manual_reviews', { settled_how: null }, 'settlement_is_complete'],
  ['orders.manual_reviews', { settled_at: null, settled_how: null }, 'manual_reviews_open'],
  ['archive.order_keys', { customer_id: no.customer }, 'order_keys_customer_id_fkey'],
  ['archive.order_keys', { page_id: 99 }, 'order_keys_page_id_fkey'],
  ['archive.ledger_pages', { product_id: no.product }, 'ledger_pages_product_id_fkey'],
  ['archive.ledger_pages', { movements: 0 }, 'ledger_pages_movements_check'],
  ['archive.ledger_pages', { movements: 501 }, 'ledger_pages_movements_check'],
  ['archive.ledger_pages', { entries: {} }, 'ledger_pages_entries_check'],
  ['archive.ledger_pages', { first_id: `mov_${'2'.repeat(32)}` }, 'page_in_order'],
  ['audit.operator_actions', { action: 'delete' }, 'operator_actions_action_check'],
  ['audit.operator_actions', { outcome: 'confirmed' }, 'operator_actions_outcome_check'],
  ['audit.operator_actions', { note: long(2001) }, 'operator_actions_note_check'],
  ['audit.operator_actions', { refund_reference: long(201) }, 'operator_actions_refund_reference_check'],
  ['audit.operator_actions', { action: 'resolve', outcome: 'failed' }, 'resolution_says_how'],
  ['payments.payments', { order_id: no.order }, 'payments_order_id_fkey'],
  ['payments.payments', { status: 'lost', captured_at: null }, 'payments_status_check'],
  ['payments.payments', { status: 'refunded' }, 'refund_has_its_time'],
  ['payments.payments', { refund_claimed: 1, refunded_amount: 2 }, 'refunds_within_payment'],
  ['payments.payments', { refund_claimed: 2001 }, 'refunds_within_payment'],
  ['payments.payments', { refunded_amount: -1 }, 'refunds_within_payment'],
  ['payments.payments', { refund_claimed: 1, refunded_amount: 1, released_amount: 2 }, 'refunds_within_payment'],
  ['payments.payments', { released_amount: -1 }, 'refunds_within_payment'],
  ['payments.refunds', { payment_id: no.payment }, 'refunds_payment_id_fkey'],
  ['payments.refunds', { status: 'lost' }, 'refunds_status_check'],
  ['payments.refunds', { amount: 0 }, 'refunds_amount_check'],
  ['payments.refunds', { reason: '' }, 'refunds_reason_check'],
  ['payments.refunds', { reason: long(201) }, 'refunds_reason_check'],
  ['payments.refunds', { attempt: 0 }, 'refunds_attempt_check'],
  ['payments.refunds', { status: 'failed' }, 'failed_refund_says_why'],
  ['outbox.events', { type: 'order.lost' }, 'event_type_known'],
  ['outbox.events', { schema_version: 2 }, 'event_type_known'],
  ['outbox.events', { sequence: 0 }, 'events_sequence_check'],
  ['payments.refunds', { status: 'succeeded' }, 'succeeded_refund_has_reference'],
  ['stock.levels', { product_id: no.product }, 'levels_product_id_fkey'],
  ['stock.levels', { on_hand: 1_000_000_001 }, 'levels_on_hand_check'],
  ['stock.movements', { product_id: no.product }, 'movements_product_id_fkey'],
  ['stock.movements', { reason: '' }, 'movements_reason_check'],
  ['stock.movements', { reason: long(201) }, 'movements_reason_check'],
  ['stock.reservations', { product_id: no.product }, 'reservations_product_id_fkey'],
  ['stock.reservations', { quantity: 0 }, 'reservations_quantity_check'],
  ['stock.reservations', { state: 'lost' }, 'reservations_state_check'],
  ['audit.accesses', { operation: '' }, 'accesses_operation_check'],
  ['audit.accesses', { operation: long(101) }, 'accesses_operation_check'],
  ['audit.accesses', { status: 99 }, 'accesses_status_check'],
  ['audit.accesses', { status: 600 }, 'accesses_status_check'],
  ['audit.accesses', { problem: long(101) }, 'accesses_problem_check'],
  ['audit.accesses', { milliseconds: -1 }, 'accesses_milliseconds_check'],
  ['audit.accesses', { request_id: long(129) }, 'accesses_request_id_check'],
  ['audit.accesses', { application_id: long(65) }, 'accesses_application_id_check'],
  ['audit.accesses', { key_id: long(65) }, 'accesses_key_id_check'],
  ['audit.accesses', { network: long(65) }, 'accesses_network_check'],
  ['audit.touched', { resource: long(65) }, 'touched_resource_check'],
  ['audit.touched', { application_id: long(65) }, 'touched_application_id_check'],
  ['audit.usage', { application_id: long(65) }, 'usage_application_id_check'],
  ['audit.usage', { operation: '' }, 'usage_operation_check'],
  ['audit.usage', { operation: long(101) }, 'usage_operation_check'],
  ['audit.usage', { requests: 0, client_errors: 0, server_errors: 0 }, 'usage_requests_check'],
  ['audit.usage', { client_errors: 2 }, 'errors_are_requests'],
  ['audit.usage', { client_errors: -1 }, 'errors_are_requests'],
  ['audit.usage', { server_errors: -1 }, 'errors_are_requests'],
  ['audit.usage', { buckets: Array(65).fill(0) }, 'usage_buckets_check'],
])('%s: %o is refused by %s', async (table, wrong, constraint) => {
  await expect(insertCopy(table, { ...fresh[table]!(), ...wrong })).rejects.toMatchObject({
    constraint_name: constraint,
  });
});

/** A row that is valid but for what it has in common with the first. */
test.each<[table: string, same: readonly string[], constraint: string]>([
  ['orders.orders', ['id'], 'orders_pkey'],
  ['orders.lines', ['position'], 'lines_pkey'],
  ['orders.lines', ['product_id'], 'lines_product_id_order_id_key'],
  ['orders.timeline', ['entry'], 'timeline_pkey'],
  ['orders.manual_reviews', ['attempt'], 'manual_reviews_pkey'],
  ['audit.operator_actions', ['id'], 'operator_actions_pkey'],
  ['archive.order_keys', ['id'], 'order_keys_pkey'],
  ['archive.ledger_pages', ['last_id'], 'ledger_pages_pkey'],
  ['archive.events', ['position'], 'events_pkey'],
  ['archive.events', ['id'], 'events_id_key'],
  ['orders.status_transitions', ['from_status', 'to_status'], 'status_transitions_pkey'],
  ['payments.payments', ['id'], 'payments_pkey'],
  ['payments.payments', ['order_id'], 'payments_order_id_key'],
  ['payments.payments', ['reference'], 'payments_provider_reference_key'],
  ['payments.refunds', ['id'], 'refunds_pkey'],
  ['outbox.events', ['id'], 'events_pkey'],
  ['outbox.events', ['subject'], 'events_once_each'],
  ['outbox.events', ['sequence'], 'events_in_sequence'],
  ['stock.levels', ['product_id'], 'levels_pkey'],
  ['stock.movements', ['id'], 'movements_pkey'],
  ['stock.reservations', ['order_id'], 'reservations_pkey'],
  ['audit.accesses', ['id'], 'accesses_2026_03_pkey'],
  ['audit.touched', ['resource'], 'touched_2026_03_pkey'],
  ['audit.usage', ['operation'], 'usage_2026_03_pkey'],
])('%s: a second row of the same %s is refused by %s', async (table, same, constraint) => {
  const values = Object.entries(fresh[table]!()).filter(([name]) => !same.includes(name));
  await expect(insertCopy(table, Object.fromEntries(values))).rejects.toMatchObject({ constraint_name: constraint });
});
