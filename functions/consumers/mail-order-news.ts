import { type NewsEvent, writeOrderMail } from '../../lib/accounts/mail/order-news.sql.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { consumers } from '../consumers.ts';

/** Writes a mail to the customer about what happened to their order. The job send-mails sends it. */
export async function run(event: NewsEvent, { sql, clock }: { sql: () => Sql; clock: Clock }): Promise<string> {
  return (await writeOrderMail(sql(), event, clock)) ? 'mail written' : 'nothing to write';
}

const consumer = consumers['mail-order-news'];

export const handler = consumerHandler(consumer, consumer.events, run as never, ({ clock }) => ({
  sql: () => sqlAs('order_mails'),
  clock,
}));
