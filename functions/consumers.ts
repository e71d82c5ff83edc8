import type { DatabaseRole } from '../lib/contract/deploy/roles.ts';
import {
  type EventDefinition,
  orderCancelled,
  orderConfirmed,
  orderFailed,
  refundSucceeded,
} from '../lib/contract/events/domain-events.ts';

/** A handler that gets domain events from the bus. */
export type Consumer = {
  name: string;
  /** File under functions/, without its ending. */
  handler: string;
  /** The events that it gets. */
  events: readonly EventDefinition[];
  /** Gets events only where this setting is on. */
  when?: 'orderMails';
  databaseRole: DatabaseRole | null;
  timeoutSeconds: number;
  /** At most so many events at once, to spare the database; the others wait. */
  atOnce: number;
};

const rows = {
  'mail-order-news': {
    handler: 'consumers/mail-order-news',
    events: [orderConfirmed, orderFailed, orderCancelled, refundSucceeded],
    when: 'orderMails',
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
