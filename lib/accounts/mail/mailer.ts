/** A mail of plain text. */
export type Mail = { to: string; subject: string; text: string };

/** What carries mails away. */
export type Mailer = {
  /**
   * Resolves when the mail was taken over; rejects when it may not have been. Sending one twice is possible.
   * @throws MailRefused when it never will be
   */
  send(mail: Mail): Promise<void>;
};

/** The mail itself is not one that can be sent: its address, most likely. Trying again is no use. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
  constructor(options?: ErrorOptions) {
    super('the mail cannot be sent to this address', options);
  }
}
