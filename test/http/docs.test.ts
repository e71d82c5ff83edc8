import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { run as getDocs } from '../../functions/http/get-docs.ts';
import { run as getOpenApi } from '../../functions/http/get-openapi.ts';
import { routes } from '../../functions/routes.ts';
import document from '../../lib/contract/api/assets/openapi.json' with { type: 'json' };
import * as contract from '../../lib/contract/api/system.ts';
import { openHandler } from '../support/handlers.ts';

const openapi = openHandler(routes['get-openapi'], contract.getOpenapi, getOpenApi, undefined);
const docs = openHandler(routes['get-docs'], contract.getDocs, getDocs, undefined);

describe('GET /openapi.json', () => {
  test('returns the committed document', async () => {
    const { status, headers, body } = await openapi();
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json');
    expect(body).toEqual(document);
  });
});

describe('GET /docs', () => {
  test('returns a page whose policy allows only its own style', async () => {
    const { status, headers, text } = await docs();
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const styles = [...text.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, style]) => style!);
    expect(styles).toHaveLength(1);
    const hash = createHash('sha256').update(styles[0]!).digest('base64');
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  test('loads nothing else', async () => {
    const { text } = await docs();
    expect(text).not.toMatch(
      /<script|<link|<img|<iframe|<form\b|\sstyle="|\son\w+="|@import|url\(|https?:\/\/(?!localhost|(login\.)?shop\.example)/i,
    );
  });
});

describe.each([
  ['GET /openapi.json', openapi],
  ['GET /docs', docs],
])('%s', (_name, call) => {
  test('has an ETag, and is not sent again to a client that has it', async () => {
    const first = await call();
    expect(first.headers.etag).toMatch(/^"[\w-]{27}"$/);
    const again = await call({ headers: { 'If-None-Match': first.headers.etag! } });
    expect(again).toMatchObject({ status: 304, text: '' });
    expect((await call({ headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
  });

  test('takes no body', async () => {
    expect((await call({ body: { a: 1 } })).body).toMatchObject({ code: 'invalid-input', status: 400 });
  });
});
