import { request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { createGateway } from '../../infra/local/functions/gateway.ts';

let gateway: Server;
const events: APIGatewayProxyEventV2[] = [];

beforeAll(async () => {
  const invoke = async (_: unknown, event: APIGatewayProxyEventV2) => {
    events.push(event);
    return { statusCode: 200, body: '{}' };
  };
  gateway = createGateway(
    Object.values(routes).filter(({ path }) => path !== '$default'),
    invoke,
    () => {},
  );
  await new Promise<void>((resolve) => gateway.listen(0, resolve));
});

afterAll(() => new Promise<void>((resolve) => void gateway.close(() => resolve())));

/** The answer to a request line that no HTTP client would send. */
async function answerTo(target: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const socket = connect((gateway.address() as AddressInfo).port, 'localhost');
  socket.write(`GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  const answer = await text(socket);
  const json = /\{.*\}/s.exec(answer)?.[0] ?? '{}';
  return { status: Number(answer.split(' ', 2)[1]), body: JSON.parse(json) };
}

test.each(['//', '//health', '/\\\\', '///'])(
  'the path %j, which is like the start of an address, is not found',
  async (path) => {
    expect(await answerTo(path)).toMatchObject({ status: 404, body: { code: 'route-not-found' } });
  },
);

test.each(['http://[/', 'http://'])('%j, which is not a path, is refused as malformed', async (target) => {
  expect(await answerTo(target)).toMatchObject({ status: 400, body: { code: 'bad-request' } });
});

test('a query parameter named like a member of every object reaches the handler unchanged', async () => {
  await answerTo('/products?__proto__=a&constructor=b');
  expect(Object.entries(events.at(-1)?.queryStringParameters ?? {})).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

test('a body that is too large is answered, also to clients that are still sending it', async () => {
  const { port } = gateway.address() as AddressInfo;
  const body = Buffer.alloc(12 << 20, 120);
  const post = async () => (await fetch(`http://localhost:${port}/orders`, { method: 'POST', body })).status;
  expect(await Promise.all(Array.from({ length: 8 }, post))).toEqual(Array(8).fill(413));
});

describe('a request by another name than that of this machine', () => {
  const answerAs = (host: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const { port } = gateway.address() as AddressInfo;
      const sent = request({ host: '127.0.0.1', port, path: '/health', headers: { host } }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode, body });
      });
      sent.once('error', reject).end();
    });

  test.each(['evil.example', 'evil.example:3000', 'localhost.evil.example', '127.0.0.1.evil.example'])(
    '%s is refused',
    async (host) => {
      const { status, body } = await answerAs(host);
      expect(status).toBe(400);
      expect(JSON.parse(body)).toMatchObject({ code: 'bad-request', detail: expect.stringContaining('HOST') });
    },
  );

  test.each(['localhost', 'localhost:3000', '127.0.0.1', '[::1]:3000'])('%s is not', async (host) => {
    expect((await answerAs(host)).status).not.toBe(400);
  });
});

test('behind proxies, the address is the one that the outermost trusted proxy saw, and any name will do', async () => {
  const seen: string[] = [];
  const invoke = async (_: unknown, event: APIGatewayProxyEventV2) => {
    seen.push(event.requestContext.http.sourceIp);
    return { statusCode: 200, body: '{}' };
  };
  const behind = createGateway(Object.values(routes), invoke, () => {}, { anyHost: true, trustedProxies: 2 });
  await new Promise<void>((resolve) => behind.listen(0, '127.0.0.1', resolve));
  const { port } = behind.address() as AddressInfo;
  const ask = (forwarded: string) =>
    new Promise<void>((resolve, reject) => {
      const headers = { host: 'shop.example', ...(forwarded === '' ? {} : { 'x-forwarded-for': forwarded }) };
      request({ port, host: '127.0.0.1', path: '/products', headers }, (response) =>
        response.resume().once('end', resolve),
      )
        .once('error', reject)
        .end();
    });
  try {
    // What a client made up, the client, the first proxy. Then fewer than there should be, nothing, and no address.
    for (const forwarded of ['6.6.6.6, 203.0.113.7, 10.0.0.1', '203.0.113.8', '', 'evil, evil']) await ask(forwarded);
    expect(seen).toEqual(['203.0.113.7', '127.0.0.1', '127.0.0.1', '127.0.0.1']);
  } finally {
    behind.close();
  }
});
