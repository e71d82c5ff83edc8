import type { Mailer } from '../accounts/mail/mailer.ts';
import { awsCredentials, config } from './config.ts';

let shared: Mailer | undefined;

/** The process's mailer: SES if a sender is configured, otherwise the one that the host has set, if any. */
export function mailer(): Mailer | undefined {
  const { MAIL_FROM: from } = config();
  if (from !== undefined) shared ??= ses(from);
  return shared;
}

/** Sets the mailer. For the local stack's host; a function on AWS never calls it. */
export function useMailer(other: Mailer): void {
  shared = other;
}

function ses(from: string): Mailer {
  const loading = import('../accounts/mail/ses.gateway.ts').then(({ SESv2Client, sesMailer }) => {
    const client = new SESv2Client({
      region: config().AWS_REGION,
      credentials: awsCredentials,
      maxAttempts: 2,
      requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
    });
    return sesMailer({ client, from });
  });
  loading.catch(() => {});
  return { send: async (mail) => (await loading).send(mail) };
}
