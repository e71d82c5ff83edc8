import type { Sql } from 'postgres';
import type { CustomerExport } from '../../contract/api/privacy.ts';
import { mailboxOf } from '../mail/outbox.sql.ts';
import { findCustomer } from './customers.sql.ts';

/** The most mails of a customer that an export shows, the newest. */
const mostMails = 500;

/**
 * What the accounts keep of a customer, besides their identities.
 * @throws Problem not-found
 */
export async function exportAccount(sql: Sql, id: string): Promise<Pick<CustomerExport, 'customer' | 'mails'>> {
  const profile = await findCustomer(sql, id);
  const [more] = await sql<{ confirmedAt: Date | null; newEmail: string | null }[]>`
    select c.confirmed_at, t.email as new_email
    from customers.customers c
    left join customers.email_tokens t on t.customer_id = c.id and t.purpose = 'change' and t.used_at is null
    where c.id = ${id}`;
  const email = profile.email!;
  const mails = await sql<{ kind: string; recipient: string; createdAt: Date; sentAt: Date | null }[]>`
    select kind, recipient, created_at, sent_at from customers.mails
    where mailbox = ${mailboxOf(email)} and recipient = ${email}
    order by created_at desc
    limit ${mostMails}`;
  return {
    customer: {
      ...profile,
      confirmedAt: more?.confirmedAt?.toISOString() ?? null,
      newEmail: more?.newEmail ?? null,
    },
    mails: mails.map(({ createdAt, sentAt, ...mail }) => ({
      ...mail,
      createdAt: createdAt.toISOString(),
      sentAt: sentAt?.toISOString() ?? null,
    })),
  };
}
