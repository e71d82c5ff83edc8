import { BadRequestException, SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2';
import { htmlOf } from './html.ts';
import { type Attachment, type Mailer, MailRefused } from './mailer.ts';

/* For whoever loads this file lazily: of a package that is loaded lazily itself a bundle keeps every operation. */
export { SESv2Client };

/** Sends by Amazon SES (API v2). The sender's address, or its domain, must be verified there. */
export const sesMailer = ({ client, from }: { client: SESv2Client; from: string }): Mailer => ({
  async send({ to, subject, text, correlationId, attachment }) {
    const command = new SendEmailCommand({
      FromEmailAddress: from,
      Destination: { ToAddresses: [to] },
      Content: {
        Simple: {
          Subject: utf8(subject),
          Body: { Text: utf8(text), Html: utf8(htmlOf({ subject, text })) },
          ...(attachment === undefined ? {} : { Attachments: [fileOf(attachment)] }),
          ...(correlationId === undefined ? {} : { Headers: [{ Name: 'X-Correlation-Id', Value: correlationId }] }),
        },
      },
    });
    try {
      await client.send(command);
    } catch (error) {
      // Other refusals, such as of an unverified sender, can be resolved: the mail is worth another try.
      if (error instanceof BadRequestException) throw new MailRefused({ cause: error });
      throw error;
    }
  },
});

const fileOf = ({ name, text }: Attachment) => ({
  FileName: name,
  RawContent: Buffer.from(text),
  ContentType: 'text/csv; charset=utf-8',
  ContentDisposition: 'ATTACHMENT' as const,
  // Usual is seven bits, which names of products do not fit into.
  ContentTransferEncoding: 'BASE64' as const,
});

const utf8 = (Data: string) => ({ Data, Charset: 'UTF-8' });
