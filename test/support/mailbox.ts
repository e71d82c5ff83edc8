import type { Sql } from 'postgres';
import type { Mail } from '../../lib/accounts/mail/mailer.ts';
import { sendMails } from '../../lib/accounts/mail/send.ts';
import { type AccountMailKind, mailOf } from '../../lib/accounts/mail/texts.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';

/** What was sent from each database so far. */
const boxes = new WeakMap<Sql, Mail[]>();

/** Sends the mails that are due, as the job does. @returns everything that was sent to an address, newest last */
export async function mailsSentTo(owner: Sql, to: string): Promise<Mail[]> {
  const box = boxes.get(owner) ?? [];
  boxes.set(owner, box);
  await sendMails({
    sql: owner,
    mailer: { send: async (mail) => void box.push(mail) },
    clock: systemClock,
    stopwatch,
    budgetSeconds: 60,
    onError: (_, error) => {
      throw error;
    },
  });
  return box.filter((mail) => mail.to === to);
}

/** The token in the latest mail of a kind to an address. @throws when there is none */
export async function mailedToken(owner: Sql, to: string, kind: AccountMailKind): Promise<string> {
  const { subject } = mailOf(kind);
  const mail = (await mailsSentTo(owner, to)).findLast((each) => each.subject === subject);
  const token = /cfe_[\w-]{43}/.exec(mail?.text ?? '')?.[0];
  if (token === undefined) throw new Error(`no mail of the kind ${kind} brought ${to} a token`);
  return token;
}
