import type { DatabaseRole } from '../lib/contract/deploy/roles.ts';
import type { TableGrants } from '../lib/contract/deploy/tables.ts';
import {
  eventSource,
  forWebhooks,
  readModelSource,
  readModelsDue,
  webhookDue,
  webhookSource,
} from '../lib/contract/events/define-event.ts';
import {
  domainEvents,
  orderCancelled,
  orderConfirmed,
  orderFailed,
  orderShipped,
  orderUnitsCancelled,
  productCreated,
  productUpdated,
  refundSucceeded,
} from '../lib/contract/events/domain-events.ts';
import { webhookEvents } from '../lib/contract/events/webhook-events.ts';

/** A handler that gets domain events from the bus. */
export type Consumer = {
  name: string;
  /** File under functions/, without its ending. */
  handler: string;
  /** What it gets: the `source` and the `detail-type` of events on the bus. */
  source: string;
  types: readonly string[];
  /** It gets only the events that have one of these among their `resources`. */
  resources?: readonly string[];
  /** Gets events only where this setting is on. */
  when?: 'orderMails';
  /** Writes mails, which the job send-mails sends. */
  writesMails?: true;
  databaseRole: DatabaseRole | null;
  tables?: TableGrants;
  /** Tells senders of webhooks of work. */
  wakesWebhooks?: true;
  /** Tells the read models of work. */
  wakesReadModels?: true;
  timeoutSeconds: number;
  /** At most so many events at once, to spare the database; the others wait. */
  atOnce: number;
};

/** What a customer gets a mail about. */
export const orderNews = [
  orderConfirmed,
  orderFailed,
  orderCancelled,
  orderShipped,
  orderUnitsCancelled,
  refundSucceeded,
] as const;

/** What takes cached products out of use. */
export const productNews = [productCreated, productUpdated] as const;

const rows = {
  // Writes what is to be sent to which endpoint. Nothing is sent here, so a slow receiver delays no other.
  'route-webhooks': {
    handler: 'consumers/route-webhooks',
    source: eventSource,
    types: domainEvents.map(({ type }) => type),
    resources: [forWebhooks],
    databaseRole: null,
    tables: {
      applications: ['GetItem'],
      webhookEndpoints: ['Scan'],
      webhookDeliveries: ['PutItem'],
      webhookQueue: ['PutItem'],
    },
    wakesWebhooks: true,
    timeoutSeconds: 10,
    atOnce: 10,
  },
  // One run for an endpoint at a time: a second one finds it taken and ends.
  'send-webhooks': {
    handler: 'consumers/send-webhooks',
    source: webhookSource,
    types: [webhookDue],
    databaseRole: null,
    tables: {
      applications: ['GetItem'],
      webhookEndpoints: ['UpdateItem'],
      webhookDeliveries: ['BatchGetItem', 'BatchWriteItem'],
      webhookQueue: ['Query', 'BatchWriteItem'],
    },
    wakesWebhooks: true,
    timeoutSeconds: 60,
    atOnce: 50,
  },
  // One run at a time does all the work that there is.
  'update-read-models': {
    handler: 'consumers/update-read-models',
    source: readModelSource,
    types: [readModelsDue],
    databaseRole: 'read_models',
    wakesReadModels: true,
    timeoutSeconds: 60,
    atOnce: 2,
  },
  // Handlers move the pointers themselves. This follows changes that were made past them, or whose handler died.
  'supersede-products': {
    handler: 'consumers/supersede-products',
    source: eventSource,
    types: productNews.map(({ type }) => type),
    databaseRole: null,
    tables: { cache: ['GetItem', 'UpdateItem'] },
    timeoutSeconds: 10,
    atOnce: 5,
  },
  // What happens to an endpoint goes to the other endpoints of its application.
  'route-webhook-news': {
    handler: 'consumers/route-webhook-news',
    source: webhookSource,
    types: webhookEvents.map(({ type }) => type),
    databaseRole: null,
    tables: {
      applications: ['GetItem'],
      webhookEndpoints: ['Query'],
      webhookDeliveries: ['PutItem'],
      webhookQueue: ['PutItem'],
    },
    wakesWebhooks: true,
    timeoutSeconds: 10,
    atOnce: 2,
  },
  'mail-webhook-news': {
    handler: 'consumers/mail-webhook-news',
    source: webhookSource,
    types: webhookEvents.map(({ type }) => type),
    writesMails: true,
    databaseRole: 'owner_mails',
    tables: { applications: ['GetItem'], webhookEndpoints: ['GetItem'] },
    timeoutSeconds: 10,
    atOnce: 2,
  },
  'mail-order-news': {
    handler: 'consumers/mail-order-news',
    source: eventSource,
    types: orderNews.map(({ type }) => type),
    when: 'orderMails',
    writesMails: true,
    databaseRole: 'order_mails',
    timeoutSeconds: 10,
    atOnce: 5,
  },
} as const satisfies Record<string, Omit<Consumer, 'name'>>;

export type ConsumerName = keyof typeof rows;

/** THE consumer table: domain events → handler, database role. */
export const consumers = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [name, { name, ...row }]),
) as unknown as Readonly<Record<ConsumerName, Consumer>>;
