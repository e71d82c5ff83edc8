import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../functions/jobs/refresh-issuer-keys.ts';
import { fetchIssuerKeys, IssuerUnusable, isTrustworthy } from '../../lib/auth/identity/issuer-documents.gateway.ts';
import { readIssuerKeys } from '../../lib/auth/identity/issuer-keys.dynamo.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';
import { makeSigningKey } from '../support/tokens.ts';

const key = makeSigningKey('one');
const other = makeSigningKey('two', 'RS256');

let server: Server;
let issuer = '';
let dynamo: TestDynamo;
let now = Date.UTC(2026, 0, 1);
let metered: [string, number][] = [];
let discovery: (response: ServerResponse) => void;
let jwks: (response: ServerResponse) => void;

const json = (value: unknown) => (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/shop/.well-known/openid-configuration') return discovery(response);
    if (request.url === '/keys') return jwks(response);
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop`;
  dynamo = await startTestDynamo([{ name: 'issuerKeys', ...tables.issuerKeys }]);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await dynamo.stop();
});
beforeEach(() => {
  metered = [];
  discovery = json({ issuer, jwks_uri: new URL('/keys', issuer).href });
  jwks = json({ keys: [key.jwk] });
});

const store = () => ({ client: dynamo.documents, table: 'issuerKeys', clock: { now: () => now } });
const refresh = (from: string | undefined = issuer, timeoutMs = 60_000) =>
  run({
    issuer: from,
    store: store(),
    fetchKeys: (address) => fetchIssuerKeys(address, { timeoutMs }),
    meter: { count: (name, value) => metered.push([name, value]) },
  });

describe('the keys of an issuer', () => {
  test('are fetched and replace the previous ones', async () => {
    expect(await refresh()).toEqual({ keys: 1 });
    expect(await readIssuerKeys(store(), issuer)).toEqual({ keys: { keys: [key.jwk] }, fetchedAt: now });
    jwks = json({ keys: [other.jwk, { ...key.jwk, ...key.privateKey.export({ format: 'jwk' }) }] });
    expect(await refresh()).toEqual({ keys: 2 });
    const stored = await readIssuerKeys(store(), issuer);
    expect(stored?.keys).toEqual({ keys: [other.jwk, key.jwk] });
    expect(JSON.stringify(stored)).not.toContain('"d"');
    expect(metered).toEqual([
      ['IssuerKeysAge', 0],
      ['IssuerKeysAge', 0],
    ]);
  });

  test.each<[string, () => void, timeoutMs?: number]>([
    ['the discovery document is not there', () => (discovery = (response) => response.writeHead(404).end())],
    ['the discovery document is not JSON', () => (discovery = (response) => response.end('<html>'))],
    ['the discovery document is null', () => (discovery = json(null))],
    ['it calls itself otherwise', () => (discovery = json({ issuer: `${issuer}/`, jwks_uri: `${issuer}/keys` }))],
    ['it names no keys', () => (discovery = json({ issuer }))],
    ['its keys are where anybody can change them', () => (discovery = json({ issuer, jwks_uri: 'http://a.example/' }))],
    ['its keys are in a file', () => (discovery = json({ issuer, jwks_uri: 'file:///etc/passwd' }))],
    ['it leads elsewhere', () => (discovery = (response) => response.writeHead(302, { location: '/keys' }).end())],
    ['it has no key left', () => (jwks = json({ keys: [] }))],
    ['it has only keys of other kinds', () => (jwks = json({ keys: [{ kty: 'oct', kid: 'a', k: 'AA' }] }))],
    ['its answer never ends', () => (jwks = (response) => void response.writeHead(200).write('{')), 300],
    ['its answer is too large', () => (jwks = json({ keys: [key.jwk], padding: 'x'.repeat(300_000) }))],
    ['it breaks off', () => (jwks = (response) => response.destroy())],
  ])('stay, and grow old, when %s', async (_, breakIt, timeoutMs) => {
    await refresh();
    const before = await readIssuerKeys(store(), issuer);
    metered = [];
    now += 90_000;
    breakIt();
    await expect(refresh(issuer, timeoutMs)).rejects.toThrow(IssuerUnusable);
    expect(await readIssuerKeys(store(), issuer)).toEqual(before);
    expect(metered).toEqual([['IssuerKeysAge', 90]]);
  });

  test('that were never fetched have no age', async () => {
    await expect(refresh('http://127.0.0.1:1/nobody')).rejects.toThrow(IssuerUnusable);
    expect(metered).toEqual([]);
  });

  test('are not fetched when no issuer is configured', async () => {
    const never = () => Promise.reject(new Error('asked'));
    const meter = { count: () => {} };
    expect(await run({ issuer: undefined, store: store(), fetchKeys: never, meter })).toEqual({ keys: 0 });
  });
});

test('only https, or this machine, is accepted', () => {
  const trusted = ['https://a.example', 'http://localhost:3001', 'http://127.0.0.1', 'http://[::1]:80'];
  for (const address of trusted) expect(isTrustworthy(new URL(address)), address).toBe(true);
  const not = ['http://a.example', 'http://localhost.evil.example', 'http://127.0.0.1.nip.io', 'ftp://localhost'];
  for (const address of not) expect(isTrustworthy(new URL(address)), address).toBe(false);
});
