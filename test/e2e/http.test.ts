import { type ExpectStatic, inject, test } from 'vitest';
import { type Answer, call, type ProblemBody, refused, send, succeed } from './client.ts';
import { newBuyer, unique } from './shop.ts';

const { document } = inject('target');

test('health tells of each part, uncounted and uncached', async ({ expect }) => {
  const { body, headers } = await succeed('get-health', 200);
  expect(body.status).toBe('up');
  expect(Object.values(body.parts).map(({ status }) => status)).toEqual(['up', 'up', 'up']);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('ratelimit')).toBeNull();
});

test('the document is OpenAPI 3.1, names every operation once and says who may call it', async ({ expect }) => {
  const { body, headers } = await succeed('get-openapi', 200);
  expect(body).toEqual(document);
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeGreaterThanOrEqual(22);
  for (const { operationId, security } of operations) expect(security, operationId).toBeInstanceOf(Array);
});

test('every reference in the document leads somewhere', ({ expect }) => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1]!);
  expect(references.length).toBeGreaterThan(50);
  for (const reference of new Set(references)) {
    const found = reference.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
    expect(found, reference).toBeDefined();
  }
});

test('the documentation is a page that is complete without its one script and needs nothing from elsewhere', async ({
  expect,
}) => {
  const { text, headers } = await succeed('get-docs', 200);
  expect(headers.get('content-type')).toMatch(/^text\/html/);
  expect(text).toMatch(/^<!doctype html>/i);
  expect(text.match(/<script[^>]*>/g)).toEqual(['<script type="module">']);
  expect(text).not.toMatch(/<iframe|\son\w+\s*=\s*["']|javascript:/i);
  expect(text).not.toMatch(/(src|href)\s*=\s*["']?(https?:)?\/\/[^"'>]*\.(js|css|woff2?|png)/i);
  expect(headers.get('content-security-policy')).toMatch(/script-src 'sha256-[^' ]+'; connect-src 'self';/);
  expect(headers.get('content-security-policy')).not.toMatch(/unsafe-/);
  const page = text.replace(/<script[\s\S]*<\/script>/, '');
  for (const path of Object.keys(document.paths)) expect(page, path).toContain(path);
});

test('an unknown path is a problem', async ({ expect }) => {
  for (const path of ['/nothing', '/orders/', '/products/a/b/c', '/../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd']) {
    expectRefusal(expect, await send('GET', path), 404, 'route-not-found');
  }
});

test('a method that a path does not have is refused', async ({ expect }) => {
  for (const [method, path] of [
    ['PUT', '/orders'],
    ['DELETE', '/products'],
    ['POST', '/health'],
    ['PATCH', '/sessions/current'],
  ] as const) {
    const answer = await send(method, path);
    expectRefusal(expect, answer, 405, 'method-not-allowed');
    expect(answer.headers.get('allow')).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
  }
});

test('a browser that asks before a request is told the methods, and more only if its page is one of a shop’s', async ({
  expect,
}) => {
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  const answer = await send('OPTIONS', '/orders', { headers });
  expect(answer.status).toBe(204);
  expect(answer.headers.get('allow')).toMatch(/POST/);
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  expectRefusal(expect, await send('OPTIONS', '/nothing', { headers }), 404, 'route-not-found');
});

test('a client’s own request id comes back, with problems too', async ({ expect }) => {
  const id = unique('trace');
  const headers = { 'x-request-id': id };
  expect((await succeed('list-products', 200, { headers })).headers.get('x-request-id')).toBe(id);
  expect((await refused('get-me', 401, 'unauthenticated', { headers })).body.requestId).toBe(id);
});

test('a request id that is not fit to log is replaced by another each time', async ({ expect }) => {
  const ids: (string | null)[] = [];
  for (const bad of ['with space', 'x'.repeat(129), '"quoted"', '<b>']) {
    const { headers } = await succeed('list-products', 200, { headers: { 'x-request-id': bad } });
    ids.push(headers.get('x-request-id'));
    expect(ids.at(-1)).not.toBe(bad);
  }
  expect(new Set(ids).size).toBe(ids.length);
});

test('answers keep browsers from guessing, framing and following', async ({ expect }) => {
  const { token } = await newBuyer();
  for (const answer of [
    await call('list-products'),
    await call('get-me', { token }),
    await call('get-me'),
    await call('get-docs'),
  ]) {
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'strict-transport-security': expect.stringMatching(/max-age=31536000/),
      'x-content-type-options': 'nosniff',
      'x-frame-options': expect.stringMatching(/DENY|SAMEORIGIN/i),
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    });
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('cache-control')).toBeTruthy();
  }
  expect((await call('get-me', { token })).headers.get('cache-control')).toMatch(/private|no-store/);
});

test('answers say what is left of the limits, of the address, the customer and the application', async ({ expect }) => {
  const open = await succeed('list-products', 200);
  expect(open.headers.get('ratelimit-policy')).toMatch(/^"address";q=\d+;w=60, "application";q=\d+;w=60$/);
  expect(open.headers.get('ratelimit')).toMatch(/^"address";r=\d+;t=\d+, "application";r=\d+;t=\d+$/);
  const { token } = await newBuyer();
  const own = await succeed('get-me', 200, { token });
  expect(own.headers.get('ratelimit-policy')).toMatch(
    /^"address";q=\d+;w=60, "customer";q=\d+;w=60, "application";q=\d+;w=60$/,
  );
  const left = /"customer";r=(\d+)/;
  const next = await succeed('get-me', 200, { token });
  const [first, second] = [own, next].map(({ headers }) => Number(left.exec(headers.get('ratelimit')!)?.[1]));
  // Above 12,000 it is an estimate, as docs/limits.md says.
  if (first! < 12_000) expect(second).toBe(first! - 1);
  else expect(Math.abs(second! - first!)).toBeLessThan(first! / 20);
});

function expectRefusal(expect: ExpectStatic, answer: Answer, status: number, code: string) {
  expect(answer.status, answer.text).toBe(status);
  const { type, ...body } = answer.body as ProblemBody;
  // What API Gateway refuses by itself, it refuses in words of its own.
  if (body.code === undefined) return;
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({ status, code, requestId: answer.headers.get('x-request-id') });
  expect(type.endsWith(`/${code}`)).toBe(true);
}
