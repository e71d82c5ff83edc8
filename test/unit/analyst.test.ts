import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import { addressOf, psqlLine } from '../../infra/tools/analyst.ts';

afterEach(() => vi.unstubAllEnvs());

const shop = { host: 'db.tea.example', port: '6432', database: 'tea', ca: '/etc/rds.pem', region: 'eu-west-1' };

test('the reader of a stage has the port, database and authorities that were named', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  const line = await psqlLine(addressOf(shop));
  expect(line).toMatch(/^PGPASSWORD='db\.tea\.example:6432\/\?Action=connect/);
  expect(line).toContain('host=db.tea.example port=6432 user=analyst dbname=tea ');
  expect(line).toContain('sslrootcert=/etc/rds.pem"');
  const own = await psqlLine(addressOf({ host: 'proxy.example', region: 'eu-west-1' }));
  expect(own).toContain(' port=5432 user=analyst dbname=counterfoil ');
});

test.each(['0', '70000', '5432x', ''])('%j is no port', (port) => {
  expect(() => addressOf({ ...shop, port })).toThrow('is no port');
});

test('where roles have passwords, the analyst logs in by the one in the secret', async () => {
  const asked: unknown[] = [];
  const server = createServer(async (request, response) => {
    asked.push(await json(request));
    response.setHeader('content-type', 'application/x-amz-json-1.1').end('{"SecretString":"p4ss"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    const secret = 'counterfoil/tea/database/analyst';
    expect(await psqlLine(addressOf({ ...shop, secret }))).toMatch(/^PGPASSWORD='p4ss' psql /);
    expect(asked).toEqual([{ SecretId: secret }]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
