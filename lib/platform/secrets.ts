import * as z from 'zod/mini';
import type { NoticeAddresses } from '../operations/notices/targets.ts';
import { awsCredentials, config } from './config.ts';

let provider: Promise<{ get(name: string, options: { maxAge: number }): Promise<unknown> }> | undefined;

/** The value of a secret in Secrets Manager, cached for five minutes. Loads the client when it is first needed. */
export async function fromSecretsManager(arn: string): Promise<unknown> {
  provider ??= import('@aws-lambda-powertools/parameters/secrets').then(
    ({ SecretsProvider }) =>
      new SecretsProvider({
        clientConfig: {
          region: config().AWS_REGION,
          credentials: awsCredentials,
          maxAttempts: 2,
          requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
        },
      }),
  );
  return (await provider).get(arn, { maxAge: 300 });
}

/**
 * The signing secrets of the Stripe webhook, from Secrets Manager or, on a laptop, from the environment. There are two
 * while the secret is rotated, separated by white space or a comma, and none where no webhook is set up.
 * @throws Error that never contains the value
 */
export async function webhookSecrets(): Promise<string[]> {
  const { STRIPE_WEBHOOK_SECRET_ARN: arn, STRIPE_WEBHOOK_SECRET } = config();
  const found = arn === undefined ? STRIPE_WEBHOOK_SECRET : await fromSecretsManager(arn);
  if (arn === undefined && found === undefined) return [];
  const secrets = (typeof found === 'string' ? found : '').split(/[\s,]+/).filter((secret) => secret !== '');
  if (secrets.length === 0 || !secrets.every((secret) => /^whsec_[A-Za-z0-9+/=_-]+$/.test(secret))) {
    const where = arn === undefined ? 'STRIPE_WEBHOOK_SECRET' : 'the secret at STRIPE_WEBHOOK_SECRET_ARN';
    throw new Error(`${where} does not contain a signing secret of a Stripe webhook`);
  }
  return secrets;
}

/**
 * The tokens of who may read the stage's metrics: two while they are exchanged, separated by white space or a comma.
 * @throws Error that never contains the value
 */
export async function scrapeTokens(): Promise<string[]> {
  const { METRICS_SECRET_ARN: arn } = config();
  const found = arn === undefined ? '' : String(await fromSecretsManager(arn));
  const tokens = found.split(/[\s,]+/).filter((token) => token !== '');
  if (tokens.length === 0 || tokens.some((token) => token.length < 32))
    throw new Error('the secret at METRICS_SECRET_ARN does not contain a token of 32 characters or more');
  return tokens;
}

const url = z.url({ protocol: /^https?$/ });
const addresses = z.object({
  slack: z.optional(url),
  teams: z.optional(url),
  webhook: z.optional(z.object({ url, secret: z.string().check(z.regex(/^whsec_[A-Za-z0-9+/=]{32,}$/)) })),
});

/**
 * Where notices of alarms go, from Secrets Manager or, on a laptop, from the environment; nowhere without either.
 * @throws Error that never contains the value
 */
export async function noticeAddresses(): Promise<NoticeAddresses> {
  const { NOTICES_SECRET_ARN: arn, NOTICES } = config();
  const found = arn === undefined ? NOTICES : await fromSecretsManager(arn);
  if (arn === undefined && found === undefined) return {};
  const parsed = z.safeParse(addresses, parseJson(String(found)), { jitless: true });
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => issue.path.join('.') || 'the text').join(', ');
  throw new Error(`${arn === undefined ? 'NOTICES' : 'the secret at NOTICES_SECRET_ARN'} has a fault in ${wrong}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
