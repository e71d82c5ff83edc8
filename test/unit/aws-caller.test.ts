import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { Hash } from '@smithy/hash-node';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import aws4 from 'aws4';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createClock } from '../../infra/local/clock.ts';
import { isConditionFailed } from '../../lib/database/document-client.dynamo.ts';
import { type AwsError, awsCaller, type CallerOptions } from '../../lib/platform/aws/caller.ts';
import { awsHost } from '../../lib/platform/aws/host.ts';
import { useClock } from '../../lib/platform/clock.ts';

type Asked = { headers: IncomingMessage['headers']; body: string };
type Answering = (response: ServerResponse, asked: Asked, socket: Socket) => void;

/** Stands for a service: the nth request is answered by the nth of `answers`, and by the last one from then on. */
let answers: Answering[] = [];
const asked: Asked[] = [];
const sockets: Socket[] = [];
const service = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const one = { headers: request.headers, body };
    const answer = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(one);
    sockets.push(request.socket);
    answer(response, one, request.socket);
  });
});
beforeAll(() => new Promise<void>((listening) => service.listen(0, '127.0.0.1', listening)));
afterAll(() => {
  service.closeAllConnections();
  service.close();
});
afterEach(() => {
  answers = [];
  asked.length = 0;
  sockets.length = 0;
  vi.unstubAllEnvs();
});

const says =
  (status: number, body: object, headers: Record<string, string> = {}): Answering =>
  (response) =>
    response.writeHead(status, { 'x-amzn-requestid': 'req-1', ...headers }).end(JSON.stringify(body));
const ok = says(200, { done: true });
const silent: Answering = () => {};
const resets: Answering = (_, __, socket) => socket.resetAndDestroy();
const refuses = (name: string, more = {}) => says(400, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, ...more });

const minutes = 10 * 60_000;
const caller = (options: Partial<CallerOptions> = {}) =>
  awsCaller({
    region: 'eu-west-1',
    service: 'dynamodb',
    target: 'DynamoDB_20120810',
    jsonVersion: '1.0',
    endpoint: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
    credentials: async () => ({
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    }),
    attempts: 2,
    timeouts: { connectMs: minutes, answerMs: minutes },
    ...options,
  });
const call = (options: Partial<CallerOptions> = {}) => caller(options)('GetItem', { TableName: 'orders' });

describe('a call', () => {
  test('is sent as the service’s protocol has it, signed for the moment and with the session', async () => {
    answers = [ok];
    const clock = createClock();
    useClock({ ...clock, now: () => Date.UTC(2026, 10, 30, 12) });
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-5759e988-bd862e3fe1be46a994272793');
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };
    expect(await call({ credentials: async () => credentials })).toEqual({ done: true });
    useClock(clock);
    const { headers, body } = asked[0]!;
    expect(JSON.parse(body)).toEqual({ TableName: 'orders' });
    expect(headers).toMatchObject({
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.GetItem',
      'x-amz-date': '20261130T120000Z',
      'x-amz-security-token': 'session',
      'x-amzn-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793',
    });
    // The SDK's own signer has the last word on the signature.
    const { connection: _, authorization, 'user-agent': __, 'x-amzn-trace-id': ___, ...signed } = headers;
    const sha256 = Hash.bind(null, 'sha256') as never;
    const signer = new SignatureV4({
      service: 'dynamodb',
      region: 'eu-west-1',
      credentials,
      sha256,
      applyChecksum: false,
    });
    const url = { protocol: 'http:', hostname: '127.0.0.1', path: '/', method: 'POST' };
    const again = new HttpRequest({ ...url, headers: signed as Record<string, string>, body });
    const { headers: theirs } = await signer.sign(again, { signingDate: new Date(Date.UTC(2026, 10, 30, 12)) });
    expect(authorization).toBe(theirs.authorization);
  });

  test('has the signature that AWS publishes for its test request', () => {
    const { headers } = aws4.sign(
      {
        ...{ service: 'service', region: 'us-east-1', method: 'POST', path: '/' },
        headers: { Host: 'example.amazonaws.com', 'X-Amz-Date': '20150830T123600Z' },
      },
      { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    );
    expect(headers?.Authorization).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    );
  });

  test('keeps its connection for the next one', async () => {
    answers = [ok];
    const get = caller();
    for (let n = 0; n < 3; n++) await get('GetItem', {});
    expect(new Set(sockets).size).toBe(1);
  });

  test('that is refused has the error’s name, fields and request id, for catches of ours and of the SDK', async () => {
    answers = [refuses('ConditionalCheckFailedException', { message: 'no', Item: { count: { N: '5' } } })];
    const error = await call().catch((thrown: unknown) => thrown as AwsError);
    expect(error).toMatchObject({
      name: 'ConditionalCheckFailedException',
      message: 'no',
      $fault: 'client',
      $metadata: { httpStatusCode: 400, requestId: 'req-1' },
      Item: { count: { N: '5' } },
    });
    expect(isConditionFailed(error)).toBe(true);
    expect(error).toBeInstanceOf(ConditionalCheckFailedException);
    expect(asked).toHaveLength(1);
  });

  test.each(['<html>', 'null', '"denied"', ''])(
    'that is answered by something else than the service, such as %j, fails by its status',
    async (text) => {
      answers = [(response) => response.writeHead(403).end(text)];
      await expect(call()).rejects.toMatchObject({ name: 'UnknownError', $metadata: { httpStatusCode: 403 } });
    },
  );

  test('that is given up leaves the connections of others open', async () => {
    answers = [ok, ok, ok, silent, ok];
    const get = caller();
    await Promise.all([get('GetItem', {}), get('GetItem', {}), get('GetItem', {})]);
    const giveUp = new AbortController();
    const given = get('GetItem', {}, { abortSignal: giveUp.signal });
    await vi.waitFor(() => expect(asked).toHaveLength(4), { timeout: minutes });
    giveUp.abort();
    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
    await Promise.all([get('GetItem', {}), get('GetItem', {})]);
    expect(new Set(sockets).size).toBe(3);
  });

  test('goes to the region’s endpoint, in each partition but the isolated ones', async () => {
    const hosts = RegionInfo.regions
      .filter(({ partition }) => partition !== undefined && !partition.startsWith('aws-iso'))
      .map(({ name, domainSuffix }) => [name, domainSuffix] as const);
    expect(hosts.length).toBeGreaterThan(30);
    for (const [region, suffix] of hosts) expect(awsHost('states', region)).toBe(`states.${region}.${suffix}`);
  });
});

describe('is sent again', () => {
  test.each([
    ['a throttled one', refuses('ProvisionedThroughputExceededException')],
    ['one of too many', says(429, {})],
    ['one that the service failed at', says(500, { __type: 'InternalServerError' })],
    ['one while the service is away', says(503, {})],
    ['one whose connection broke', resets],
  ])('%s, and no more often than it may be', async (_, failure) => {
    answers = [failure, ok];
    expect(await call()).toEqual({ done: true });
    expect(asked).toHaveLength(2);
    answers = [failure];
    asked.length = 0;
    await expect(call()).rejects.toThrow();
    expect(asked).toHaveLength(2);
    expect(asked[0]!.body).toBe(asked[1]!.body);
  });

  test('one whose answer does not come in time, and not after that', async () => {
    answers = [silent];
    const timeouts = { connectMs: minutes, answerMs: 40 };
    await expect(call({ timeouts })).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(asked).toHaveLength(2);
  });

  test('one whose answer stops half-way', async () => {
    const half: Answering = (response) => response.writeHead(200, { 'content-length': '20' }).write('{"done"');
    answers = [half, ok];
    expect(await call({ timeouts: { connectMs: minutes, answerMs: 100 } })).toEqual({ done: true });
  });

  test('one that met a connection which the peer had closed, at once and on a new connection', async () => {
    answers = [ok, ok, resets, ok];
    const get = caller();
    await Promise.all([get('GetItem', {}), get('GetItem', {})]);
    // A pause would take a quarter of an hour.
    vi.spyOn(Math, 'random').mockReturnValue(10_000);
    expect(await get('GetItem', {})).toEqual({ done: true });
    vi.restoreAllMocks();
    expect(sockets.slice(0, 2)).toContain(sockets[2]);
    expect(sockets.slice(0, 3)).not.toContain(sockets[3]);
    expect(asked).toHaveLength(4);
  });

  test('one that was signed by a clock that is wrong, by the time of AWS', async () => {
    const now = Date.UTC(2030, 0, 1);
    const late = refuses('InvalidSignatureException', { message: 'Signature expired: 2026 is now earlier than 2030' });
    answers = [
      (response, ...rest) => {
        response.sendDate = false;
        response.setHeader('date', new Date(now).toUTCString());
        late(response, ...rest);
      },
      ok,
    ];
    expect(await call()).toEqual({ done: true });
    expect(asked[1]!.headers['x-amz-date']).toMatch(/^203001/);
  });

  test('each of some that were signed by the same wrong clock', async () => {
    const now = Date.UTC(2030, 0, 1);
    const late: Answering = (response, ...rest) => {
      response.sendDate = false;
      response.setHeader('date', new Date(now).toUTCString());
      const message = 'Signature expired: 2026 is now earlier than 2030';
      refuses('InvalidSignatureException', { message })(response, ...rest);
    };
    answers = [late, late, ok];
    const get = caller();
    expect(await Promise.all([get('GetItem', {}), get('GetItem', {})])).toEqual([{ done: true }, { done: true }]);
  });

  test('none that its caller has given up', async () => {
    answers = [silent];
    const giveUp = new AbortController();
    const given = caller()('GetItem', {}, { abortSignal: giveUp.signal });
    await vi.waitFor(() => expect(asked).toHaveLength(1), { timeout: minutes });
    giveUp.abort();
    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked).toHaveLength(1);
  });

  test('none any more when nearly none succeed', async () => {
    answers = [resets];
    const get = caller();
    vi.spyOn(Math, 'random').mockReturnValue(0);
    for (let n = 0; n < 110; n++) await get('GetItem', {}).catch(() => {});
    vi.restoreAllMocks();
    expect(asked).toHaveLength(210);
  });
});

test('a service that nothing listens for is noticed after two attempts', async () => {
  const refused = call({ endpoint: 'http://127.0.0.1:1' });
  await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
