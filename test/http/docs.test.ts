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
  test('returns a page whose policy allows its own style and script, and no address but its own', async () => {
    const { status, headers, text } = await docs();
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const hashesOf = (tag: string) =>
      [...text.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`, 'g'))].map(
        ([, content]) => `'sha256-${createHash('sha256').update(content!).digest('base64')}'`,
      );
    const [[style, ...styles], [script, ...scripts]] = [hashesOf('style'), hashesOf('script')];
    expect([...styles, ...scripts]).toEqual([]);
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src ${style}; script-src ${script}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  test('loads nothing else', async () => {
    const { text } = await docs();
    expect(text).not.toMatch(
      /<script[^>]*\ssrc|<link(?! rel="icon" href="data:)|<img|<iframe|\sstyle="|\son\w+="|@import|url\(/i,
    );
    // Guides are linked, and nothing of them is loaded.
    const addresses = text
      .replaceAll(/<link rel="icon"[^>]*>/g, '')
      .matchAll(
        /(?<!<a href=")https?:\/\/(?!localhost|(login\.)?shop\.example|images\.example|parcels\.example)[^"]*/g,
      );
    expect([...addresses].map(([address]) => address)).toEqual([]);
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
