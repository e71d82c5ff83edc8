import { BadRequestException, type SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2';
import { type Mailer, MailRefused } from './mailer.ts';

/** Sends by Amazon SES (API v2) from an address that is verified there, by itself or with its domain. */
export const sesMailer = ({ client, from }: { client: SESv2Client; from: string }): Mailer => ({
  async send({ to, subject, text }) {
    const command = new SendEmailCommand({
      FromEmailAddress: from,
      Destination: { ToAddresses: [to] },
      Content: { Simple: { Subject: utf8(subject), Body: { Text: utf8(text) } } },
    });
    try {
      await client.send(command);
    } catch (error) {
      // An account or a sender that may not send is MessageRejected and the like: that can be put right.
      if (error instanceof BadRequestException) throw new MailRefused({ cause: error });
      throw error;
    }
  },
});

const utf8 = (Data: string) => ({ Data, Charset: 'UTF-8' });
