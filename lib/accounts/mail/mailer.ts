/** A mail by its plain text, from which `htmlOf` makes the other form that is sent with it. */
export type Mail = {
  to: string;
  subject: string;
  text: string;
  /** The API request that led to it, if one did. */
  correlationId?: string | undefined;
  attachment?: Attachment | undefined;
};

/** A file of text that goes with a mail. Its name says what it is. */
export type Attachment = { name: string; text: string };

/** Sends mails. */
export type Mailer = {
  /**
   * Resolves when the mail was accepted for delivery. After any other error than MailRefused it may have been accepted
   * too, so that trying again may send it twice.
   * @throws MailRefused when this mail will never be accepted
   */
  send(mail: Mail): Promise<void>;
};

/** This mail cannot be sent, most likely because of its address. Do not try again. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
  constructor(options?: ErrorOptions) {
    super('the mail cannot be sent to this address', options);
  }
}
