import { htmlOf } from '../../../lib/accounts/mail/html.ts';
import type { Attachment, Mail } from '../../../lib/accounts/mail/mailer.ts';
import { type Clock, toTimestamp } from '../../../lib/kernel/clock.ts';
import { idPrefixes } from '../../../lib/kernel/ids.ts';
import { redacted } from '../../../lib/kernel/redact.ts';
import type { Parked as Delivery } from '../bus/store.ts';
import type { Parked, SentMail } from './protocol.ts';

const mostKept = 50;

/** The last mails that the stack would have sent, newest first. The codes in them are cut out: whoever has one may use it. */
export function openMailbox(clock: Clock) {
  const mails: { at: number; mail: Mail }[] = [];
  return {
    add(mail: Mail): void {
      mails.unshift({ at: clock.now(), mail });
      mails.length = Math.min(mails.length, mostKept);
    },
    list: (): SentMail[] =>
      mails.map(({ at, mail: { to, subject, text, correlationId = null, attachment } }) => ({
        at: toTimestamp(at),
        to,
        subject,
        correlationId,
        html: htmlOf({ subject, text: withoutCodes(text) }),
        attachment: attachment === undefined ? null : shown(attachment),
      })),
  };
}

/** The page asks for all mails again and again, so a large file has its name and size alone. */
const mostShown = 100_000;
const shown = ({ name, text }: Attachment): SentMail['attachment'] => ({
  name,
  bytes: Buffer.byteLength(text),
  text: text.length > mostShown ? null : text,
});

const ids = new RegExp(`^(${Object.values(idPrefixes).join('|')})_[0-9a-f]{32}$`);

/** A code is a word so long that no language has it, and no id. */
export const withoutCodes = (text: string): string =>
  text.replace(/[\w-]{20,}/g, (word) => (ids.test(word) ? word : '[code]'));

/** An event that no consumer took, without what is in it. */
export function toParked({ rule, event, attempts, error }: Delivery): Parked {
  const { 'detail-type': type, detail } = JSON.parse(event) as { 'detail-type': string; detail: { id?: string } };
  return { id: detail.id ?? '', type, rule, attempts, error: redacted(error) };
}
