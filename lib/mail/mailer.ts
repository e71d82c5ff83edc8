/** A mail of plain text. */
export type Mail = { to: string; subject: string; text: string };

/** What carries mails away. */
export type Mailer = {
  /** Resolves when the mail was taken over; rejects when it may not have been. Sending one twice is possible. */
  send(mail: Mail): Promise<void>;
};
