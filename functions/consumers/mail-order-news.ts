import { type NewsEvent, writeOrderMail } from '../../lib/accounts/mail/order-news.sql.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { anyOf, consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { consumers, orderNews } from '../consumers.ts';

/** Writes a mail to the customer about what happened to their order. The job send-mails sends it. */
export async function run(event: NewsEvent, { sql, clock }: { sql: () => Sql; clock: Clock }) {
  return { outcome: (await writeOrderMail(sql(), event, clock)) ? 'mail written' : 'nothing to write' };
}

export const handler = consumerHandler(consumers['mail-order-news'], anyOf(orderNews), run, ({ clock }) => ({
  sql: () => sqlAs('order_mails'),
  clock,
}));
