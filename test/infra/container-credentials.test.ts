import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { containerCredentials } from '../../infra/container/credentials.ts';
import { listenOn, portOf } from '../../infra/local/loopback.ts';
import { awsCaller } from '../../lib/platform/aws/caller.ts';
import { useAwsCredentials } from '../../lib/platform/config.ts';
import { connectionOf } from '../../lib/platform/sql.ts';

/*
 * A stand-in of the endpoint that gives a container its credentials (ECS, EKS Pod Identity), of STS, and of a service that takes those of
 * one generation alone.
 */
const minute = 60_000;
const start = Date.UTC(2026, 10, 30, 12);
/** The keys that are given out now, until when they say they are good, and those that the service takes. */
let given = { generation: 1, expiresAt: start };
let taken = 1;
let away = false;
const seen: { authorizations: (string | undefined)[]; tokens: string[]; keys: string[] } = {
  authorizations: [],
  tokens: [],
  keys: [],
};

const keyOf = ({ headers }: IncomingMessage) => /Credential=KEY(\d+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
let server: Server;
let folder: string;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'));
  server = createServer(async (request, response) => {
    const body = await text(request);
    const { generation, expiresAt } = given;
    const expires = new Date(expiresAt).toISOString();
    if (request.url === '/credentials') {
      seen.authorizations.push(request.headers.authorization);
      if (away) return response.writeHead(500).end();
      const keys = {
        AccessKeyId: `KEY${generation}`,
        SecretAccessKey: `secret-${generation}`,
        Token: `t-${generation}`,
      };
      return response.end(JSON.stringify({ ...keys, Expiration: expires }));
    }
    if (body.includes('AssumeRoleWithWebIdentity')) {
      seen.tokens.push(new URLSearchParams(body).get('WebIdentityToken') ?? '');
      const keys = `<AccessKeyId>KEY${generation}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>`;
      const result = `<Credentials>${keys}<Expiration>${expires}</Expiration></Credentials>`;
      return response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(
          `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>${result}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
        );
    }
    seen.keys.push(keyOf(request));
    if (keyOf(request) === String(taken)) return response.end('{"TableNames":[]}');
    const refusal = { __type: 'com.amazon.coral.service#ExpiredTokenException', message: 'The token is expired' };
    return response.writeHead(400).end(JSON.stringify(refusal));
  });
  await listenOn('127.0.0.1', 0, server);
  url = `http://127.0.0.1:${portOf(server)}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: start });
  [given, taken, away] = [{ generation: 1, expiresAt: start + 60 * minute }, 1, false];
  for (const list of Object.values(seen)) list.length = 0;
  const none = ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN', 'PROFILE', 'CONTAINER_CREDENTIALS_RELATIVE_URI'];
  for (const name of none) vi.stubEnv(`AWS_${name}`, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  await writeFile(join(folder, 'token'), 'token-1');
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${url}/credentials`);
  vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', join(folder, 'token'));
  return () => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  };
});

/** Hands out new credentials. @param grace whether the service takes the old ones for now */
function rotate(grace = false): void {
  given = { generation: given.generation + 1, expiresAt: Date.now() + 60 * minute };
  if (!grace) taken = given.generation;
}

function callerOf(credentials = containerCredentials()) {
  const call = awsCaller({
    ...{ region: 'eu-west-1', service: 'dynamodb', target: 'DynamoDB_20120810', jsonVersion: '1.0', endpoint: url },
    ...{ credentials, attempts: 2, timeouts: { connectMs: minute, answerMs: minute } },
  });
  return () => call('ListTables', {});
}

test('credentials are kept while they are good, and read anew before they end, with the token of that time', async () => {
  const call = callerOf();
  await call();
  await call();
  expect(seen.authorizations).toEqual(['token-1']);
  rotate(true);
  await writeFile(join(folder, 'token'), 'token-2');
  vi.setSystemTime(start + 56 * minute);
  await call();
  await vi.waitFor(() => expect(seen.authorizations).toEqual(['token-1', 'token-2']), { timeout: minute });
  taken = 2;
  await vi.waitFor(async () => expect(await call()).toEqual({ TableNames: [] }), { timeout: minute });
  expect(seen.keys.at(-1)).toBe('2');
});

test('while nobody gives new ones, those that are good for a while more are used', async () => {
  const call = callerOf();
  await call();
  away = true;
  vi.setSystemTime(start + 59 * minute);
  for (let n = 0; n < 3; n++) expect(await call()).toEqual({ TableNames: [] });
  vi.setSystemTime(start + 61 * minute);
  await expect(call()).rejects.toThrow();
  away = false;
  rotate();
  expect(await call()).toEqual({ TableNames: [] });
});

test('after a process that slept past the end, the first call has new ones', async () => {
  const call = callerOf();
  await call();
  vi.setSystemTime(start + 24 * 60 * minute);
  rotate();
  await call();
  expect(seen.keys).toEqual(['1', '2']);
});

test('a call whose credentials the service refuses is sent once more, with new ones', async () => {
  const call = callerOf();
  await call();
  rotate();
  expect(await call()).toEqual({ TableNames: [] });
  expect(seen.keys).toEqual(['1', '1', '2']);
  // New ones are of no use either.
  taken = 99;
  await expect(call()).rejects.toMatchObject({ name: 'ExpiredTokenException' });
  expect(seen.keys.slice(3)).toEqual(['2', '2']);
});

test('clients of the SDK and tokens for the database have the credentials of their time', async () => {
  const credentials = containerCredentials();
  useAwsCredentials(credentials);
  const sdk = new DynamoDBClient({ region: 'eu-west-1', endpoint: url, credentials, maxAttempts: 1 });
  const { password } = connectionOf('database.example', 'monitor');
  await sdk.send(new ListTablesCommand({}));
  expect(await password()).toContain('X-Amz-Credential=KEY1%2F');
  vi.setSystemTime(start + 61 * minute);
  rotate();
  await sdk.send(new ListTablesCommand({}));
  expect(await password()).toContain('X-Amz-Credential=KEY2%2F');
  expect(seen.keys).toEqual(['1', '2']);
  // A database refuses an empty password; a driver whose password throws ends the process.
  vi.setSystemTime(start + 130 * minute);
  away = true;
  expect(await password()).toBe('');
});

test('a web identity (IRSA) is exchanged again when its credentials end, with the token that the file has then', async () => {
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', undefined);
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder, 'token'));
  vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::000000000000:role/counterfoil');
  vi.stubEnv('AWS_ENDPOINT_URL_STS', url);
  const call = callerOf();
  await call();
  await writeFile(join(folder, 'token'), 'token-2');
  vi.setSystemTime(start + 61 * minute);
  rotate();
  await call();
  expect(seen).toMatchObject({ tokens: ['token-1', 'token-2'], keys: ['1', '2'], authorizations: [] });
});

test('keys in the environment come first, as they are', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'KEY1');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-1');
  await callerOf()();
  expect(seen).toMatchObject({ keys: ['1'], authorizations: [] });
});
