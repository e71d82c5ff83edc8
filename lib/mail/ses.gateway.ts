import { type SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2';
import type { Mailer } from './mailer.ts';

/** Sends by Amazon SES (API v2) from an address that is verified there, by itself or with its domain. */
export const sesMailer = ({ client, from }: { client: SESv2Client; from: string }): Mailer => ({
  async send({ to, subject, text }) {
    await client.send(
      new SendEmailCommand({
        FromEmailAddress: from,
        Destination: { ToAddresses: [to] },
        Content: { Simple: { Subject: utf8(subject), Body: { Text: utf8(text) } } },
      }),
    );
  },
});

const utf8 = (Data: string) => ({ Data, Charset: 'UTF-8' });
