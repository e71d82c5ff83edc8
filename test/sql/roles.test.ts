import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { purgeFeedEntries } from '../../lib/accounts/customers/feeds.sql.ts';
import { type DatabaseRole, databaseRoles } from '../../lib/contract/deploy/roles.ts';
import type { Sql } from '../../lib/database/applied.sql.ts';
import { readGrants } from '../support/grants.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../support/postgres.ts';

type Role = Exclude<DatabaseRole, 'migrator'>;
const roles = databaseRoles.filter((role): role is Role => role !== 'migrator');

/** What each role needs, and why. Everything else is refused. */
const needs: Record<Role, Record<string, [may: string, because: string]>> = {
  customers_api: {
    'customers.customers': [
      'select, insert, update(email, confirmed_at, name, address, premium, verified_vat_number, announced, password_hash, access_version, tokens_not_before, suspended_at, version, updated_at)',
      'adds customers, shows and changes them, signs them in; an id never changes, and nobody is deleted',
    ],
    'customers.email_tokens': ['select, insert, update', 'issues, replaces and uses tokens'],
    'customers.mails': [
      'select(kind, recipient, mailbox, network, created_at), insert',
      'writes mails and counts those of an address; it cannot read their text',
    ],
    'customers.idempotency_keys': ['select, insert, update', 'stores first answers, and replaces expired ones'],
    'outbox.events': ['insert', 'writes the events of customers'],
    'customers.identities': [
      'select, insert, update(email, last_used_at), delete',
      'finds, links and unlinks users of an identity provider; an identity never moves to another customer',
    ],
    'customers.addresses': [
      'select, insert, update(address, default_shipping, default_billing, version, updated_at), delete',
      'keeps the addresses of customers; an address never moves to another customer',
    ],
  },
  profiles_api: {
    'customers.customers': [
      'select(id, email, name, words, address, premium, verified_vat_number, suspended_at, version, created_at, updated_at, erased_at)',
      'shows customers their profile; it cannot read a password hash',
    ],
    'customers.identities': ['select', 'shows customers how they sign in'],
    'customers.addresses': ['select', 'shows customers their addresses'],
  },
  customer_export: {
    'customers.customers': [
      'select(id, email, confirmed_at, name, address, premium, verified_vat_number, suspended_at, version, created_at, updated_at, erased_at)',
      'exports the profile; it cannot read a password hash',
    ],
    'customers.identities': ['select', 'exports how the customer signs in'],
    'customers.addresses': ['select', 'exports their addresses'],
    'customers.feed_entries': ['select', 'exports what feeds said of the customer'],
    'customers.mails': [
      'select(kind, recipient, mailbox, created_at, sent_at)',
      'exports which mails were sent when; it cannot read their text',
    ],
    'customers.email_tokens': [
      'select(customer_id, purpose, email, created_at, expires_at, used_at)',
      'exports the address that the customer asked to change to; it cannot read a hash',
    ],
    'orders.order_details': ['select', 'exports orders with lines and payment'],
    'orders.timeline': ['select', 'exports what happened to them'],
    'payments.refunds': ['select', 'exports partial refunds'],
    'archive.order_details': ['select', 'exports archived orders'],
    'archive.timeline': ['select', 'exports what happened to them'],
    'archive.refunds': ['select', 'exports their partial refunds'],
    'orders.fulfilments': ['select', 'exports the parcels of their orders'],
    'orders.returns': ['select', 'exports what they sent back'],
    'archive.fulfilments': ['select', 'exports the parcels of archived orders'],
    'archive.returns': ['select', 'exports what came back of them'],
    'audit.accesses': ['select', 'exports who read or changed the customer’s data'],
    'audit.touched': ['select', 'finds those accesses by the customer'],
  },
  customer_erasure: {
    'customers.customers': [
      'select(id, email, access_version, version, erased_at), update(email, confirmed_at, name, address, premium, verified_vat_number, password_hash, access_version, tokens_not_before, suspended_at, version, updated_at, erased_at)',
      'empties the row; the address is for the last mail',
    ],
    'customers.identities': ['select(issuer, subject, customer_id), delete', 'unlinks every identity'],
    'customers.addresses': ['select(customer_id), delete', 'deletes their addresses'],
    'customers.feed_entries': ['select(customer_id), delete', 'deletes what feeds said of the customer'],
    'customers.email_tokens': ['select(customer_id, email), delete', 'deletes tokens, and finds the mails of one'],
    'customers.mails': [
      'select(kind, recipient, mailbox, network, created_at, sent_at, given_up_at), insert, update(subject, body, attachment_name, attachment, given_up_at, keep_until)',
      'stops the mails and lets their records go soon, and writes the last one; it cannot read their text',
    ],
    'customers.idempotency_keys': [
      'select(caller, operation, body), delete',
      'deletes stored answers that show the customer',
    ],
    'orders.idempotency_keys': ['select(caller), delete', 'deletes stored answers to the customer'],
    'orders.under_way': ['select', 'knows how many orders have not ended, and nothing else of them'],
    'outbox.events': [
      'select(type, aggregate_id, data), insert, update(data)',
      'empties the personal fields of the customer’s events, and writes that of the erasure',
    ],
    'archive.events': ['select(type, aggregate_id, data), update(data)', 'empties those of archived events'],
  },
  mailer: {
    'customers.mails': [
      'select, update(subject, body, attachment_name, attachment, attempts, next_attempt_at, sent_at, given_up_at)',
      'sends mails and deletes their text; it neither writes mails nor changes their recipient',
    ],
    'customers.email_tokens': [
      'select(customer_id, purpose, expires_at, used_at), update(hash)',
      'makes the token of a mail when it sends it',
    ],
  },
  catalog_api: {
    'catalog.categories': [
      'select, insert, update(parent_id, path, slug, name, position, version, updated_at)',
      'adds, changes and moves categories; it deletes none',
    ],
    'catalog.products': [
      'select, insert, update(active, category_id, price_amount, price_currency, brand, attributes, sku, name, description, images, metadata, cost_amount, cost_currency, tax_class, weight, options, price_most, variant_skus, option_values, version, updated_at)',
      'shows, adds and changes products; a product goes off sale and is never deleted',
    ],
    'catalog.imports': [
      'select, insert, update(status, content, total, applied, failed, errors, updated_at, ended_at)',
      'keeps files, and says how far they are',
    ],
    'pricing.shipping_methods': [
      'select, insert, update(name, position, countries, currency, cost, free_above, tax_class, active, version, updated_at), delete',
      'shows, adds, changes and deletes shipping methods; orders keep what they cost',
    ],
    'pricing.tax_rates': [
      'select, insert, update(name, country, region, tax_class, rate, reverse_charge, valid_from, valid_to, version, updated_at), delete',
      'shows, adds, changes and deletes tax rates; orders keep their tax',
    ],
    'pricing.coupons': [
      'select, insert, update(kind, percent, amount, currency, valid_from, valid_to, usage_limit, customer_limit, version, updated_at)',
      'shows, adds and changes coupons; never how often they are used',
    ],
    'catalog.idempotency_keys': ['select, insert, update', 'stores first answers, and replaces expired ones'],
    'outbox.events': ['insert', 'writes the events of the products that it adds or changes'],
    'stock.levels': [
      'select, insert(product_id, low_at), update(product_id, low_at)',
      'shows a level, sets when it counts as low, and locks it before it moves stock; PostgreSQL asks for a right to update, and a trigger refuses that of the product',
    ],
    'stock.movements': ['select, insert', 'shows the ledger and adds to it; an entry never changes'],
    'archive.movements': ['select', 'shows the old part of the ledger'],
  },
  reports_api: {
    'reports.subscriptions': [
      'select, insert, update(name, report, parameters, range, schedule, emails, attachment, webhook, status, due_at, tried_at, retry_at, version, updated_at), delete',
      'keeps the subscriptions of applications; neither their owner nor what became of them changes',
    ],
    'reports.runs': ['select', 'shows what became of each due time'],
    'reports.exports': ['select, insert', 'takes and shows exports'],
    'reports.idempotency_keys': ['select, insert, update', 'stores first answers, and replaces expired ones'],
  },
  report_sender: {
    'reports.subscriptions': [
      'select, update(due_at, tried_at, retry_at, runs), delete',
      'finds what is due, takes each due time once, and deletes what belongs to an application that is gone',
    ],
    'reports.runs': ['insert', 'notes what became of each due time'],
    'customers.mails': ['insert', 'writes mails with reports, and reads none'],
    'outbox.events': ['insert', 'writes the events of reports, and reads none'],
  },
  report_exporter: {
    'reports.exports': [
      'select, update(status, progress, attempts, next_attempt_at, rows, bytes, as_of, lag_seconds, stale, failure, ended_at)',
      'makes exports, and notes how far they are',
    ],
    'reporting.orders': ['select', 'reads what reports read, with more time'],
    'reporting.order_lines': ['select', 'the same'],
    'reporting.payments': ['select', 'the same'],
    'reporting.refunds': ['select', 'the same'],
    'reporting.refund_lines': ['select', 'the same'],
    'reporting.products': ['select', 'the same'],
    'reporting.stock': ['select', 'the same'],
    'reporting.stock_movements': ['select', 'the same'],
    'reporting.customers_masked': ['select', 'the same'],
    'reporting.customer_summary': ['select', 'the same'],
  },
  reporting: {
    'reporting.orders': ['select', 'adds up what was ordered'],
    'reporting.order_lines': ['select', 'adds up what was sold'],
    'reporting.payments': ['select', 'adds up what was paid'],
    'reporting.refunds': ['select', 'adds up what was given back'],
    'reporting.refund_lines': ['select', 'adds up what was given back by product'],
    'reporting.products': ['select', 'names products, and finds those that nobody bought'],
    'reporting.stock': ['select', 'says how long the stock lasts'],
    'reporting.stock_movements': ['select', 'says how much there was before'],
    'reporting.customers_masked': ['select', 'describes a customer without their name'],
    'reporting.customer_summary': ['select', 'adds up what a customer bought'],
    'reporting.customer_entries': ['select', 'shows how a customer was in touch'],
    'reporting.feeds': ['select', 'says how old that is'],
  },
  analyst: {
    'reporting.orders': ['select', 'people query the contract of views, and no table'],
    'reporting.order_lines': ['select', 'the same'],
    'reporting.payments': ['select', 'the same'],
    'reporting.refunds': ['select', 'the same'],
    'reporting.refund_lines': ['select', 'the same'],
    'reporting.products': ['select', 'the same'],
    'reporting.stock': ['select', 'the same'],
    'reporting.stock_movements': ['select', 'the same'],
    'reporting.customers_masked': ['select', 'names and addresses are masked for whom nobody granted them'],
    'reporting.customer_summary': ['select', 'the same'],
    'reporting.customer_entries': ['select', 'the same'],
    'reporting.feeds': ['select', 'the same'],
  },
  warehouse: {
    'reporting.orders': ['select', 'loads sales'],
    'reporting.order_lines': ['select', 'loads their lines'],
    'reporting.refunds': ['select', 'loads what was given back'],
    'reporting.refund_lines': ['select', 'loads what was given back by product'],
    'reporting.products': ['select', 'loads what products were'],
    'reporting.stock': ['select', 'loads the stock of the day'],
    'reporting.customers_masked': ['select', 'loads who is not erased, and turns their ids into pseudonyms'],
  },
  catalog_reader: {
    'catalog.categories': ['select', 'shows categories, and which are below one; it changes none'],
    'catalog.words': ['select', 'finds what is meant by a word with a typing error'],
    'catalog.availability': ['select', 'shows whether a product can be ordered, and not how many there are'],
    'catalog.products': ['select', 'shows products; it changes none'],
    'catalog.stretches': ['select', 'searches new products before old ones'],
    'pricing.shipping_methods': ['select', 'shows shipping methods to choose from'],
  },
  orders_api: {
    'orders.orders': [
      'select, insert, update(version, shipping_address, billing_address, contact, note, metadata, correlation_id, updated_at)',
      'places orders and changes what they say; never changes status, lines, totals or customer',
    ],
    'orders.lines': [
      'select(order_id, quantity), insert',
      'writes the lines of a new order, and counts the units of unpaid ones; reads the rest through order_details',
    ],
    'orders.timeline': ['select, insert', 'shows the timeline, and adds placing and changing'],
    'orders.idempotency_keys': ['select, insert, update', 'stores first answers, and replaces expired ones'],
    'orders.order_details': ['select', 'shows orders with lines and payment'],
    'archive.order_details': ['select', 'shows archived orders'],
    'archive.timeline': ['select', 'shows what happened to them'],
    'archive.order_keys': ['select(id, customer_id, status)', 'knows whose they are, and how they ended'],
    'stock.levels': [
      'select(product_id, on_hand, reserved)',
      'sees at once what is sold out, and names it; reserves nothing',
    ],
    'orders.priceable_products': ['select', 'prices what is on sale, and sees no more of the catalogue'],
    'orders.sold_products': ['select', 'keeps cost, category and brand with a line, for reports'],
    'orders.priceable_customers': [
      'select',
      'knows who may order and is premium, a verified VAT number, and nothing else of a customer',
    ],
    'pricing.shipping_methods': ['select', 'prices the shipping'],
    'pricing.tax_rates': ['select', 'taxes'],
    'pricing.coupons': ['select, update(used)', 'prices with a coupon, and counts its use'],
    'pricing.coupon_customers': ['select, insert, update(uses, at_most)', 'counts the uses of each customer'],
    'pricing.coupon_uses': ['insert', 'says which order uses a coupon'],
    'outbox.events': ['insert', 'writes the events of the orders that it places or changes'],
  },
  fulfilment_api: {
    'orders.orders': [
      'select(id, number, customer_id, guest_token, status, version, currency, total, contact, failure_code, fulfilment_status, compensation_attempts, capture_retries, correlation_id, created_at), update(version, fulfilment_status, correlation_id, updated_at)',
      'says how much of an order has shipped, and compares the hash of a guest’s token; never changes its status, and sees neither address nor payment method',
    ],
    'orders.lines': [
      'select(order_id, position, product_id, quantity, fulfilled, shipped, delivered, returned, cancelled), update(fulfilled, shipped, delivered, returned)',
      'counts what is packed, shipped, delivered and returned, and sees no price',
    ],
    'orders.fulfilments': [
      'select, insert, update(status, carrier, tracking_number, tracking_url, updated_at, shipped_at, delivered_at)',
      'packs, ships and delivers; what is in a parcel never changes',
    ],
    'orders.returns': [
      'select, insert, update(status, lines, rejection, updated_at)',
      'takes requests for returns, and says what arrived',
    ],
    'orders.timeline': ['insert', 'adds what happened to the goods'],
    'orders.fulfilment_idempotency_keys': ['select, insert, update', 'stores first answers, and replaces expired ones'],
    'payments.refundable_orders': ['select', 'knows whether an order is confirmed'],
    'payments.paid_back_orders': ['select', 'ships nothing that was paid back'],
    'payments.payments': [
      'select(id, order_id, provider, reference, status, currency, amount, released_amount, capture_requested_at, capture_attempt), update(capture_requested_at, capture_requested_by, capture_correlation_id, capture_attempt)',
      'requests the capture of the payment of what ships, and changes nothing else',
    ],
    'stock.movements': ['insert', 'adds goods that came back to the ledger; an entry never changes'],
    'outbox.events': ['insert', 'writes the events of goods'],
    'archive.order_keys': ['select(id, customer_id, status)', 'knows that an order is archived, and whose it is'],
    'archive.fulfilments': ['select', 'shows the parcels of archived orders'],
    'archive.returns': ['select', 'shows what came back of them'],
  },
  cancellations_api: {
    'orders.orders': [
      'select(id, number, customer_id, guest_token, status, version, currency, total, capture_at, contact, failure_code, confirmed_at, fulfilment_status, compensation_attempts, capture_retries, correlation_id, created_at), update(status, version, fulfilment_status, correlation_id, updated_at)',
      'starts cancelling an order, or says how much of it has shipped when the rest is cancelled; compares the hash of a guest’s token',
    ],
    'orders.lines': [
      'select(order_id, position, product_id, quantity, fulfilled, shipped, delivered, returned, cancelled), update(fulfilled, cancelled)',
      'counts what is cancelled and what is unpacked for that, and sees no price',
    ],
    'orders.fulfilments': [
      'select(id, order_id, status, lines), update(status, updated_at)',
      'cancels parcels that have not shipped',
    ],
    'orders.timeline': ['insert', 'adds what was cancelled'],
    'orders.idempotency_keys': ['select, insert, update', 'stores first answers, and replaces expired ones'],
    'orders.order_details': ['select', 'answers with the order, and reads the payment to give back'],
    'archive.order_details': ['select', 'says how an archived order ended'],
    'archive.order_keys': ['select(id, customer_id, status)', 'knows that an order is archived, and whose it is'],
    'stock.movements': ['insert', 'puts cancelled units back on the shelf; an entry never changes'],
    'stock.reservations': [
      'select(order_id, product_id, quantity, state), update(quantity, state)',
      'lessens what an order has taken by what is cancelled of it',
    ],
    'payments.payments': [
      'select(id, order_id, provider, reference, status, currency, amount, refund_claimed, refunded_amount, released_amount, capture_requested_at), update(refund_claimed, refunded_amount, released_amount)',
      'claims what goes back for cancelled units, or gives it up before it is captured',
    ],
    'payments.refunds': [
      'select, insert, update(status, failure_code, reference, updated_at)',
      'requests the refund of cancelled units, and settles one of a payment that is not captured',
    ],
    'payments.refundable_orders': ['select', 'knows whether the order is confirmed'],
    'payments.refundable_lines': ['select', 'knows what was paid for each line'],
    'payments.refundable_returns': [
      'select',
      'reads what is left to refund as a refund does, which may be of a return',
    ],
    'outbox.events': ['insert', 'writes the events of what it cancels'],
  },
  refunds_api: {
    'payments.refunds': ['select, insert', 'requests refunds and shows them; the saga settles them'],
    'payments.payments': [
      'select, update(refund_claimed, capture_requested_at, capture_requested_by, capture_correlation_id, capture_attempt)',
      'claims the amount of a refund and requests captures, and changes nothing else',
    ],
    'archive.payments': ['select', 'shows that the payment of an archived order was captured'],
    'payments.refundable_orders': [
      'select',
      'knows an order’s status, currency and what was paid for shipping, and nothing else of it',
    ],
    'payments.refundable_lines': ['select', 'knows what was paid for each line'],
    'payments.refundable_returns': ['select', 'knows what of a return arrived'],
    'archive.refunds': ['select', 'shows refunds of archived orders'],
    'archive.order_keys': ['select(id, status)', 'knows that an order is archived'],
    'archive.orders': ['select', 'knows the currency of an archived order'],
    'payments.idempotency_keys': ['select, insert, update', 'stores first answers, and replaces expired ones'],
  },
  events_api: {
    'outbox.events': ['select, update(position)', 'shows events, and gives each its place in the feed, nothing else'],
    'archive.events': ['select', 'shows old events'],
  },
  publisher: {
    'outbox.events': ['select, update(published_at)', 'publishes events, and writes none'],
    'archive.events': ['select', 'finds what led to an event'],
  },
  read_models: {
    'outbox.events': ['select, update(position)', 'follows the feed, and gives events their place in it'],
    'archive.events': ['select', 'follows the feed from its beginning'],
    'read_models.generations': ['select, insert, update, delete', 'keeps how far it has come, and swaps generations'],
    'read_models.customers': [
      'select, insert, update',
      'copies customers from their events; an erased one stays, empty',
    ],
    'read_models.order_details': [
      'select, insert, update, delete',
      'keeps orders as events tell them, and deletes replaced ones',
    ],
  },
  application_events: { 'outbox.events': ['insert', 'writes that an application was suspended, and reads nothing'] },
  back_office_api: {
    'outbox.events': [
      'select(id, aggregate_id, sequence, occurred_at, position)',
      'knows which events the copy lacks, and nothing of what they say',
    ],
    'read_models.generations': ['select', 'knows which generation to read'],
    'read_models.order_details': ['select', 'shows orders to the back office'],
    'orders.orders': [
      'select(id, number, customer_id, status, currency, total, contact, fulfilment_status)',
      'finds orders by these',
    ],
    'orders.lines': ['select(order_id, product_id)', 'finds the orders of a product'],
    'orders.order_details': ['select', 'shows what it found'],
    'archive.order_keys': [
      'select(id, number, customer_id, status, fulfilment_status, currency, total, refunded, products)',
      'finds archived orders, and adds up those of a customer',
    ],
    'archive.order_details': ['select', 'shows what it found'],
  },
  order_mails: {
    'read_models.customers': ['select', 'finds the address of a customer as the events say it'],
    'customers.mails': ['select(id), insert', 'writes mails, and reads none'],
  },
  owner_mails: {
    'customers.mails': ['select(id), insert', 'writes mails to contacts of applications, and reads none'],
  },
  saga: {
    'orders.orders': [
      'select, update(status, version, payment_action, failure_code, failure_detail, confirmed_at, abandoned_at, compensation_attempts, updated_at)',
      'takes orders forward and compensates them; neither adds orders nor changes lines, totals or customer',
    ],
    'orders.order_details': ['select', 'finds orders that no execution works on, with their payment'],
    'orders.timeline': ['insert', 'adds what it did'],
    'pricing.coupon_uses': ['select, delete', 'gives the use of a coupon back when the order fails or is cancelled'],
    'pricing.coupons': ['select(code, used), update(used)', 'counts it back'],
    'pricing.coupon_customers': ['select(code, customer_id, uses), update(uses)', 'counts it back for the customer'],
    'stock.wanted': ['select', 'knows the products and quantities of an order, not their prices'],
    'stock.levels': [
      'select, update(product_id)',
      'locks levels in order before it reserves; a trigger refuses the update',
    ],
    'stock.movements': ['select, insert', 'moves stock through the ledger'],
    'stock.reservations': ['select, insert, update(state)', 'holds, commits and releases; quantity and expiry stay'],
    'payments.payments': [
      'select, insert, update(status, refund_claimed, refunded_amount, captured_at, voided_at, refunded_at, refund_reference, capture_requested_at, capture_requested_by, capture_correlation_id, capture_attempt)',
      'records captures and refunds; the amount stays',
    ],
    'payments.refundable_orders': ['select', 'requests captures of confirmed orders alone'],
    'payments.refunds': [
      'select, update(status, attempt, failure_code, reference, updated_at)',
      'finds refunds that no execution works on, and settles them; the requested amount stays',
    ],
    'outbox.events': ['insert', 'writes the events of the orders that it ends'],
    'orders.manual_reviews': [
      'select(order_id, attempt, opened_at, from_status, steps, settled_at), insert, update(settled_at, settled_how)',
      'opens a manual review, and settles it when it runs the compensation again',
    ],
  },
  manual_review: {
    'orders.orders': [
      'select, update(status, version, failure_code, failure_detail, abandoned_at, compensation_attempts, capture_retries, correlation_id, updated_at)',
      'runs the compensation of an order again, its capture, or ends the order; never takes another forward, never changes lines or totals',
    ],
    'orders.order_details': ['select', 'shows orders with lines and payment'],
    'orders.timeline': ['select, insert', 'shows the timeline and adds what an operator did'],
    'orders.review_idempotency_keys': ['select, insert, update', 'stores first answers, and replaces expired ones'],
    'pricing.coupon_uses': ['select, delete', 'gives the use of a coupon back when the order fails or is cancelled'],
    'pricing.coupons': ['select(code, used), update(used)', 'counts it back'],
    'pricing.coupon_customers': ['select(code, customer_id, uses), update(uses)', 'counts it back for the customer'],
    'orders.manual_reviews': [
      'select, update(settled_at, settled_how)',
      'shows why orders are in manual review, and settles reviews',
    ],
    'archive.order_details': ['select', 'shows archived orders'],
    'archive.orders': ['select', 'shows archived orders'],
    'archive.order_keys': ['select(id, status)', 'knows how an archived order ended'],
    'archive.lines': ['select', 'names their products'],
    'archive.timeline': ['select', 'shows what happened to them'],
    'archive.manual_reviews': ['select', 'shows why they were in manual review'],
    'archive.payments': ['select', 'shows their payments'],
    'archive.refunds': ['select', 'shows their partial refunds'],
    'archive.reservations': ['select', 'shows their stock'],
    'archive.movements': ['select', 'shows how their stock moved'],
    'archive.events': ['select(id, type, subject, occurred_at, published_at)', 'shows old events, without their data'],
    'audit.operator_actions': ['select, insert', 'adds what operators did and shows it; an entry never changes'],
    'stock.wanted': ['select', 'names the products of an order'],
    'stock.reservations': ['select, update(state)', 'shows the stock that an order keeps, and gives it back'],
    'stock.movements': ['select, insert', 'shows how an order’s stock moved, and moves it back'],
    'payments.payments': [
      'select, update(status, voided_at, refunded_at, refund_reference, capture_requested_at, capture_requested_by, capture_correlation_id, capture_attempt)',
      'shows the payment, records that an operator refunded it or has it captured again; the amount stays',
    ],
    'payments.refunds': ['select', 'shows partial refunds'],
    'outbox.events': [
      'select(id, type, subject, occurrence, occurred_at, published_at), insert',
      'shows which events an order had, without their data, and writes the event of its end',
    ],
  },
  audit_writer: {
    'audit.accesses': ['select(id), insert', 'adds accesses, and learns which were new; reads no more of them'],
    'audit.touched': ['insert', 'adds the resources of each access'],
    'audit.usage': ['select, insert, update(requests, client_errors, server_errors, buckets)', 'counts requests'],
  },
  audit_reader: {
    'audit.accesses': ['select', 'shows accesses'],
    'audit.touched': ['select', 'finds accesses by resource'],
    'audit.usage': ['select', 'shows what applications used'],
  },
  jobs: {
    'customers.mails': ['select(keep_until), delete', 'deletes old mails without reading them'],
    'customers.email_tokens': ['select(expires_at), delete', 'deletes expired tokens without reading them'],
    'customers.feed_entries': ['select(at, ended_at), delete', 'deletes what is old without reading it'],
    'customers.idempotency_keys': ['select(expires_at), delete', 'deletes expired records without reading them'],
    'catalog.imports': ['select(ended_at), delete', 'deletes old imports without reading them'],
    'reports.exports': ['select(ended_at), delete', 'deletes old exports without reading them'],
    'reports.runs': ['select(ended_at), delete', 'deletes old runs without reading them'],
    'reports.idempotency_keys': ['select(expires_at), delete', 'deletes expired records without reading them'],
    'catalog.idempotency_keys': ['select(expires_at), delete', 'deletes expired records without reading them'],
    'orders.idempotency_keys': ['select(expires_at), delete', 'deletes expired records without reading them'],
    'orders.review_idempotency_keys': ['select(expires_at), delete', 'deletes expired records without reading them'],
    'orders.fulfilment_idempotency_keys': [
      'select(expires_at), delete',
      'deletes expired records without reading them',
    ],
    'payments.idempotency_keys': ['select(expires_at), delete', 'deletes expired records without reading them'],
    'outbox.events': [
      'select(id, aggregate_id, sequence, occurred_at, position), update(position)',
      'gives old events their places in the feed before they are archived; a function moves them',
    ],
  },
  monitor: {
    'monitor.open_orders': ['select', 'counts open orders, and checks invariant 4'],
    'monitor.manual_reviews_waiting': ['select', 'counts orders in manual review'],
    'monitor.open_captures': ['select', 'knows since when a payment should be captured'],
    'monitor.stock_violations': ['select', 'shows what breaks invariant 1'],
    'monitor.stock_balances': ['select', 'checks invariant 1'],
    'monitor.ledger': ['select', 'adds up opening balances, without reasons and orders'],
    'monitor.ledger_months': ['select', 'checks opening balances'],
    'monitor.archived_ledger': ['select', 'starts sums of ledgers at what is archived'],
    'monitor.archived_pages': ['select', 'checks that archived pages add up'],
    'monitor.opening_balances': ['select, insert, update, delete', 'keeps sums of ledgers, which can be made anew'],
    'monitor.ended_orders': ['select', 'goes through the orders that have ended'],
    'monitor.checks': ['select, insert, update', 'keeps how far its checks have come'],
    'monitor.violations': ['select, insert, update, delete', 'keeps what breaks an invariant until it does no longer'],
    'monitor.payment_violations': ['select', 'checks invariant 2'],
    'monitor.restore_tests': ['select, insert', 'keeps when a restored backup was last sound'],
    'monitor.confirmation_violations': ['select', 'checks invariant 3'],
    'monitor.line_violations': ['select', 'checks invariant 5'],
    'monitor.coupon_codes': ['select', 'checks coupons'],
    'monitor.coupon_violations': ['select', 'checks coupons'],
    'monitor.findings': ['select', 'shows the findings of reconciliation'],
  },
  customer_feeds: {
    'customers.email_hashes': ['select', 'finds customers by the hash of their address, which it never sees'],
    'customers.feeds': ['select, insert, update', 'notes when a feed came'],
    'customers.feed_entries': ['select, insert, update', 'keeps what feeds say, and deletes none of it'],
  },
  reconciler: {
    'monitor.findings': [
      'select, insert, update(details, advice, last_seen, cleared_at, repair, repair_key, repair_input, repaired_at)',
      'keeps what it found and how it repaired it; deletes nothing',
    ],
    'monitor.order_balances': ['select', 'compares the money of orders, and sees nothing of customers'],
    'monitor.archived_order_balances': ['select', 'the same of archived orders'],
    'monitor.booked_sales': ['select', 'adds up what became a sale on a day'],
    'monitor.booked_refunds': ['select', 'adds up what was given back on a day'],
    'monitor.ended_orders': ['select', 'finds orders that ended since its last run'],
    'monitor.ledger': ['select', 'finds products that moved since its last run'],
    'monitor.opening_balances': ['select(product_id), delete', 'has them made anew where they may be wrong'],
    'monitor.checks': ['select, insert, update', 'keeps how far its comparisons have come'],
    'monitor.kept_stock': ['select', 'finds stock that no order needs'],
    'monitor.stock_balances': ['select', 'compares levels with the ledger'],
    'stock.movements': ['select, insert', 'gives stock back through the ledger'],
    'stock.reservations': ['select, update(state)', 'releases what no order needs'],
  },
};

let database: TestDatabase;
const as = {} as Record<DatabaseRole | 'rdsadmin', Sql>;

beforeAll(async () => {
  database = await createDatabase();
  for (const role of [...databaseRoles, 'rdsadmin' as const]) {
    // That sessions only read is a default, which a session may change: the grants alone have to hold.
    const connection = { default_transaction_read_only: 'off' as never };
    as[role] = database.connect(role, { max: 1, connection }) as unknown as Sql;
  }
  // A clone has its template's tables, but not the template's rights on the database itself.
  await as.migrator.unsafe(`revoke all on database ${database.name} from public`);
  for (const role of roles) await as.migrator.unsafe(`grant connect on database ${database.name} to ${role}`);
});

afterAll(async () => {
  await Promise.all(Object.values(as).map((sql) => sql.end()));
  await database?.drop();
});

describe('what is granted', () => {
  test.each(roles)('%s may do what it needs on tables and views, and no more', async (role) => {
    const granted = (await readGrants(as.migrator, [role]))[role]!;
    expect(granted).toEqual(Object.fromEntries(Object.entries(needs[role]).map(([name, [may]]) => [name, may])));
    expect(Object.keys(granted).length).toBeGreaterThan(0);
  });

  test('a role without grants may do nothing', async () => {
    await as.rdsadmin`create role nobody_in_particular`;
    try {
      expect(await readGrants(as.migrator, ['nobody_in_particular'])).toEqual({ nobody_in_particular: {} });
      const [row] = await as.migrator`
        select has_schema_privilege('nobody_in_particular', 'public', 'usage') as public,
          has_schema_privilege('nobody_in_particular', 'kernel', 'usage') as kernel,
          has_database_privilege('nobody_in_particular', ${testPostgres().template}, 'connect') as connect`;
      expect(row).toEqual({ public: false, kernel: false, connect: false });
    } finally {
      await as.rdsadmin`drop role nobody_in_particular`;
    }
  });

  test('only the migrator owns or creates anything, and no other role has special rights', async () => {
    const rows = await as.rdsadmin`
      select rolname, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication as privileged,
        rolpassword is not null as password,
        (select string_agg(roleid::regrole::text, ', ') from pg_auth_members where member = r.oid) as member_of,
        exists (select from pg_shdepend where refobjid = r.oid and deptype = 'o') as owner,
        has_database_privilege(r.oid, ${testPostgres().template}, 'create') as creates,
        has_database_privilege(r.oid, ${testPostgres().template}, 'temporary') as temporary,
        exists (select from pg_namespace n where has_schema_privilege(r.oid, n.oid, 'create')) as creates_in_schema
      from pg_authid r where rolname in (select jsonb_array_elements_text(${JSON.stringify(roles)}::text::jsonb))`;
    expect(rows).toHaveLength(roles.length);
    for (const row of rows) {
      expect(row).toEqual({
        rolname: row.rolname,
        privileged: false,
        password: false,
        member_of: 'rds_iam',
        owner: false,
        creates: false,
        temporary: false,
        creates_in_schema: false,
      });
    }
  });

  test('only triggers, the functions of jobs, of the archive and of customers, and reports run as their owner', async () => {
    const callable = await as.migrator`
      select p.oid::regprocedure::text as name,
        (select string_agg(rolname, ', ' order by rolname) from pg_roles
          where has_function_privilege(rolname, p.oid, 'execute') and rolcanlogin
            and rolname not in ('migrator', 'rdsadmin')) as callers,
        has_function_privilege('public', p.oid, 'execute') as anybody
      from pg_proc p join pg_namespace n on n.oid = pronamespace
      where nspname !~ '^pg_' and nspname <> 'information_schema' and prosecdef and prorettype <> 'trigger'::regtype
      order by 1`;
    expect(callable.map((row) => ({ ...row }))).toEqual([
      { name: 'archive.move_events(timestamp with time zone,integer)', callers: 'jobs', anybody: false },
      { name: 'archive.move_movements(text,text,integer)', callers: 'jobs', anybody: false },
      {
        name: 'archive.move_orders(timestamp with time zone,timestamp with time zone,integer)',
        callers: 'jobs',
        anybody: false,
      },
      { name: 'archive.unarchive_order(text,timestamp with time zone)', callers: 'manual_review', anybody: false },
      { name: 'audit.add_month(timestamp with time zone)', callers: 'audit_writer, jobs', anybody: false },
      { name: 'audit.drop_month(timestamp with time zone,integer)', callers: 'jobs', anybody: false },
      {
        name: 'customers.drop_unconfirmed(timestamp with time zone,text,timestamp with time zone,timestamp with time zone,integer)',
        callers: 'jobs',
        anybody: false,
      },
      { name: 'monitor.read_index_advice()', callers: 'monitor', anybody: false },
      { name: 'monitor.read_queues()', callers: 'monitor', anybody: false },
      { name: 'monitor.read_sessions()', callers: 'monitor', anybody: false },
      { name: 'monitor.read_statements()', callers: 'monitor', anybody: false },
      { name: 'monitor.read_storage()', callers: 'monitor', anybody: false },
      { name: 'orders.forget_customer(text)', callers: 'customer_erasure', anybody: false },
      {
        name: 'orders.join_guest_orders(text,timestamp with time zone)',
        callers: 'customers_api',
        anybody: false,
      },
      { name: 'reporting.changed_months(xid8)', callers: 'analyst, warehouse', anybody: false },
      { name: 'reporting.get_epoch()', callers: 'analyst, report_exporter, reporting, warehouse', anybody: false },
      {
        name: 'reporting.get_freshness()',
        callers: 'analyst, monitor, report_exporter, reporting, warehouse',
        anybody: false,
      },
      { name: 'reports.get_sales_report(date,date,text)', callers: null, anybody: false },
    ]);
    const loose = await as.migrator`
      select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = pronamespace
      where nspname !~ '^pg_' and nspname <> 'information_schema' and prosecdef
        and not coalesce('search_path=""' = any (proconfig), false)`;
    expect(loose).toEqual([]);
  });
});

describe('a session', () => {
  test.each<[Role, string]>([
    ['customers_api', '5s'],
    ['customer_feeds', '5s'],
    ['events_api', '5s'],
    ['publisher', '10s'],
    ['read_models', '20s'],
    ['back_office_api', '5s'],
    ['application_events', '5s'],
    ['order_mails', '5s'],
    ['owner_mails', '5s'],
    ['profiles_api', '5s'],
    ['catalog_api', '5s'],
    ['catalog_reader', '5s'],
    ['orders_api', '5s'],
    ['saga', '5s'],
    ['manual_review', '5s'],
    ['jobs', '100ms'],
    ['monitor', '1min'],
    ['refunds_api', '5s'],
    ['fulfilment_api', '5s'],
    ['cancellations_api', '5s'],
    ['reconciler', '1min'],
    ['audit_writer', '20s'],
    ['audit_reader', '5s'],
    ['reports_api', '5s'],
    ['report_sender', '5s'],
    ['report_exporter', '1min'],
    ['reporting', '8s'],
    ['analyst', '1min'],
    ['warehouse', '5min'],
  ])('%s has an empty search path and a limit for everything', async (role, statement) => {
    const [row] = await as[role]`
      select current_setting('search_path') as path, current_setting('statement_timeout') as statement,
        current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`;
    expect(row).toEqual({
      path: '""',
      statement,
      lock: role === 'jobs' ? '50ms' : '4s',
      idle: role === 'warehouse' ? '5min' : '10s',
    });
  });

  test('a role without rds_iam cannot log in', async () => {
    await as.rdsadmin`create role stranger login`;
    const stranger = database.connect('stranger', { max: 1 });
    try {
      await expect(stranger`select 1`).rejects.toMatchObject({ code: '28000' });
    } finally {
      await stranger.end();
      await as.rdsadmin`drop role stranger`;
    }
  });
});

describe('an attempt', () => {
  const others = (...excepted: Role[]) => roles.filter((role) => !excepted.includes(role));

  const refused: [situation: string, by: readonly Role[], statement: string][] = [
    ['reading customers', others('customers_api'), 'select id, email, password_hash from customers.customers'],
    [
      'counting customers',
      others('customers_api', 'profiles_api', 'customer_export', 'customer_erasure', 'order_mails'),
      'select count(*) from customers.customers',
    ],
    ['deleting a customer', roles, 'delete from customers.customers'],
    [
      'changing an e-mail',
      others('customers_api', 'customer_erasure'),
      "update customers.customers set email = 'x@example.com'",
    ],
    ['reading what was mailed', others('mailer'), 'select body from customers.mails'],
    ['changing the recipient of a mail', roles, "update customers.mails set recipient = 'x@example.com'"],
    ['reading the catalogue', others('catalog_api', 'catalog_reader'), 'select * from catalog.products'],
    ['changing a product', others('catalog_api'), 'update catalog.products set price_amount = 0'],
    ['deleting a product', roles, 'delete from catalog.products'],
    ['reading orders', others('orders_api', 'saga', 'manual_review'), 'select * from orders.orders'],
    ['changing a total', roles, 'update orders.orders set total = 0'],
    ['changing a discount', roles, "update orders.orders set discount_amount = 1, discount_reason = 'x'"],
    ['moving an order to another customer', roles, "update orders.orders set customer_id = 'cus_'"],
    ['deleting an order', roles, 'delete from orders.orders'],
    ['changing a line', roles, 'update orders.lines set quantity = 1'],
    ['deleting a line', roles, 'delete from orders.lines'],
    ['changing the timeline', roles, "update orders.timeline set type = 'x'"],
    ['deleting from the timeline', roles, 'delete from orders.timeline'],
    ['changing what operators did', roles, "update audit.operator_actions set note = 'x'"],
    ['deleting what operators did', roles, 'delete from audit.operator_actions'],
    ['emptying what operators did', roles, 'truncate audit.operator_actions'],
    ['reading what operators did', others('manual_review'), 'select id from audit.operator_actions'],
    ['changing why an order is in manual review', roles, "update orders.manual_reviews set message = 'x'"],
    ['counting compensations', others('manual_review', 'saga'), 'update orders.orders set compensation_attempts = 1'],
    ['confirming by hand', others('saga'), 'update orders.orders set confirmed_at = now()'],
    ['changing the ledger', roles, 'update stock.movements set quantity = 1'],
    ['deleting from the ledger', roles, 'delete from stock.movements'],
    ['emptying the ledger', roles, 'truncate stock.movements'],
    ['setting a level', roles, 'update stock.levels set on_hand = 1000'],
    ['making a level', roles, "insert into stock.levels values ('prd_00000000000000000000000000000000', 5, 0)"],
    ['changing a reservation', others('cancellations_api'), 'update stock.reservations set quantity = 1'],
    ['reading payments', others('saga', 'refunds_api', 'manual_review'), 'select * from payments.payments'],
    ['changing what was paid', roles, 'update payments.payments set amount = 0'],
    ['deleting a payment', roles, 'delete from payments.payments'],
    ['reading the outbox', others('events_api', 'publisher', 'read_models'), 'select * from outbox.events'],
    ['reading a stored answer', others('orders_api', 'cancellations_api'), 'select body from orders.idempotency_keys'],
    ['reading an answer to operators', others('manual_review'), 'select body from orders.review_idempotency_keys'],
    ['reading an answer about refunds', others('refunds_api'), 'select body from payments.idempotency_keys'],
    [
      'changing which transitions are allowed',
      roles,
      "insert into orders.status_transitions values ('failed', 'paid')",
    ],
    ['reading which migrations are applied', roles, 'select * from migrations.applied'],
    ['switching the triggers off', roles, "set session_replication_role = 'replica'"],
    ['becoming the migrator', roles, 'set role migrator'],
    ['becoming another role', others('saga'), 'set role saga'],
    ['creating a table', roles, 'create table orders.x ()'],
    ['creating a temporary table', roles, 'create temporary table x ()'],
    ['creating a schema', roles, 'create schema x'],
    ['creating a function', roles, "create function public.x() returns int language sql as 'select 1'"],
    ['creating a role', roles, 'create role x'],
    ['granting a right', others('customers_api'), 'grant select on customers.customers to public'],
    ['altering a table', roles, 'alter table orders.orders disable trigger all'],
    ['dropping a table', roles, 'drop table stock.movements'],
    ['reading files of the server', roles, "select pg_read_file('/etc/passwd')"],
    ['reading password hashes of roles', roles, 'select rolpassword from pg_authid'],
  ];

  test.each(refused)('%s is refused', async (_situation, by, statement) => {
    expect(by.length).toBeGreaterThan(0);
    for (const role of by) {
      await expect(as[role].unsafe(statement), `${role}: ${statement}`).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('each role can do its work', async () => {
    await as.customers_api`select email from customers.customers`;
    await as.catalog_api`select l.* from catalog.products p join stock.levels l on l.product_id = p.id for update of l`;
    await as.orders_api`select * from orders.order_details`;
    await as.saga`select w.* from stock.wanted w join orders.orders o on o.id = w.order_id for update of o`;
    await as.jobs`delete from customers.idempotency_keys where expires_at < now()`;
    await purgeFeedEntries(as.jobs, { before: new Date(), limit: 10 });
    await as.monitor`select * from monitor.stock_violations`;
  });
});
