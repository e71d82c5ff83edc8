import { Hash } from '@smithy/hash-node';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { awsHost } from './aws/host.ts';
import { clock } from './clock.ts';
import { awsCredentials, config } from './config.ts';

/**
 * The password of a database role, from its own secret. It is asked for with each connection, so a new one counts at once. The
 * client of Secrets Manager would be in every function that has a database, and slow its start.
 * @throws Error that never contains the value
 */
export const passwordFrom = (prefix: string, role: string): Promise<string> => secretNamed(`${prefix}/${role}`);

/** The text of a secret. @throws Error that never contains the value */
export async function secretNamed(name: string): Promise<string> {
  const { AWS_REGION: region, SECRETS_URL } = config();
  const base = new URL(SECRETS_URL ?? `https://${awsHost('secretsmanager', region)}`);
  const body = JSON.stringify({ SecretId: name });
  const asked = new HttpRequest({
    method: 'POST',
    protocol: base.protocol,
    hostname: base.hostname,
    ...(base.port === '' ? {} : { port: Number(base.port) }),
    path: '/',
    headers: {
      host: base.host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.GetSecretValue',
    },
    body,
  });
  const signer = new SignatureV4({
    service: 'secretsmanager',
    region,
    credentials: awsCredentials,
    sha256: Hash.bind(null, 'sha256') as never,
  });
  const { headers } = await signer.sign(asked, { signingDate: new Date(clock.now()) });
  const response = await fetch(base, { method: 'POST', headers, body, signal: AbortSignal.timeout(2000) });
  const answer = (await response.json().catch(() => ({}))) as { SecretString?: unknown; __type?: string };
  if (response.ok && typeof answer.SecretString === 'string') return answer.SecretString;
  throw new Error(`Secrets Manager answered ${response.status} ${answer.__type ?? ''} for the secret ${name}`);
}
