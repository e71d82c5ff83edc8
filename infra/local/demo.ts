import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import type { ApplicationFields } from '../../lib/auth/applications/applications.dynamo.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { type Scope, scopes } from '../../lib/contract/deploy/roles.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { demoClients } from './identity/provider.ts';

/** The content of `.local/demo.json`: enough to place an order by hand. */
export type Demo = {
  baseUrl: string;
  /** Of a server with every scope. */
  appKey: string;
  /** Of the web shop. */
  clientId: string;
  customer: { email: string; password: string };
  products: { id: string; sku: string; name: string }[];
  /** Where customers can also sign in to the web shop. */
  issuer?: string | undefined;
};

/** The running stack, as far as the demo shop uses it. */
type Running = {
  baseUrl: string;
  inside: { dynamo: DynamoDBClient; clock: Clock; issuer: string | undefined };
};

const credentials = { email: 'ada@example.com', password: 'correct horse battery' };
const goods = [
  { sku: 'MUG-BLUE', name: 'Blue mug', description: 'Stoneware, 0.3 l.', price: { amount: 1250, currency: 'EUR' } },
  { sku: 'TEAPOT', name: 'Teapot', description: 'Cast iron, 1.2 l.', price: { amount: 6900, currency: 'EUR' } },
  { sku: 'TEA-ASSAM', name: 'Assam, 250 g', description: null, price: { amount: 890, currency: 'EUR' } },
];
const unitsEach = 100_000;

/** What an order can cost besides its goods, to try. Tax counts once `TAX=included npm start` turns it on. */
const prices = {
  '/shipping-methods/parcel': {
    name: 'Parcel',
    countries: ['AT', 'DE', 'FR', 'NL'],
    currency: 'EUR',
    cost: {
      type: 'by-total',
      tiers: [
        { upTo: 5000, amount: 695 },
        { upTo: null, amount: 495 },
      ],
    },
    freeAbove: 10_000,
  },
  '/shipping-methods/express': {
    name: 'Express, next day',
    position: 1,
    countries: ['DE'],
    currency: 'EUR',
    cost: { type: 'flat', amount: 1490 },
  },
  '/tax-rates/at-standard': { name: 'Austrian VAT', country: 'AT', rate: 200_000, reverseCharge: true },
  '/tax-rates/de-standard': { name: 'German VAT', country: 'DE', rate: 190_000 },
  '/tax-rates/fr-standard': { name: 'French VAT', country: 'FR', rate: 200_000, reverseCharge: true },
  '/tax-rates/nl-standard': { name: 'Dutch VAT', country: 'NL', rate: 210_000, reverseCharge: true },
  '/coupons/WELCOME-20': { value: { type: 'percent', percent: 20 }, customerLimit: 1 },
};

/**
 * What the page of the API shows to get the ids and keys of the demo shop. Only who may read `demo.json` can make it, or
 * sees it in the terminal: another user of this machine can do neither.
 */
export const docsToken = ({ appKey }: Pick<Demo, 'appKey'>): string =>
  createHash('sha256').update(`docs ${appKey}`).digest('base64url').slice(0, 22);

/** A shop to try things in. It is made through the API at the first start, and read from `demo.json` at later ones. */
export async function prepareDemo(stack: Running, directory: string): Promise<Demo> {
  const file = join(directory, 'demo.json');
  const write = (demo: Demo) => writeFile(file, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  const found = await readDemo(file);
  const { baseUrl } = stack;
  const { issuer } = stack.inside;
  const demo = found ?? { baseUrl, ...(await registerApplications(stack)), customer: credentials, products: [] };
  // Written before the shop is made, so that a first start that is killed continues with the same key.
  await write({ ...demo, baseUrl, issuer });
  if (demo.products.length === goods.length) return { ...demo, baseUrl, issuer };
  const complete = { ...demo, baseUrl, issuer, products: await makeShop({ ...demo, baseUrl }) };
  await write(complete);
  return complete;
}

async function registerApplications({ inside }: Running) {
  const client = DynamoDBDocument.from(inside.dynamo, { marshallOptions: { removeUndefinedValues: true } });
  const store = { client, table: 'applications', keysTable: 'appKeys', clock: inside.clock };
  const register = (fields: Omit<ApplicationFields, 'rateClass' | 'contact'>) =>
    registerByHand(store, { ...fields, rateClass: 'standard', contact: 'demo@example.com' });
  const office = {
    origins: [],
    identityClientIds: [],
    name: 'Back office',
    kind: 'server' as const,
    scopes: [...scopes],
  };
  const shop = {
    name: 'Web shop',
    kind: 'web' as const,
    scopes: ['catalog:read', 'orders:read', 'orders:place', 'customers:read', 'customers:write'] satisfies Scope[],
    // The last is the page that shows how to sign in.
    origins: [
      'http://localhost:3000',
      'http://localhost:5173',
      ...(inside.issuer === undefined ? [] : [new URL(inside.issuer).origin]),
    ],
    identityClientIds: [demoClients.web],
  };
  const app = {
    ...shop,
    name: 'Mobile app',
    kind: 'mobile' as const,
    origins: [],
    identityClientIds: [demoClients.mobile],
  };
  const [{ key }, { id }] = await Promise.all([register(office), register(shop), register(app)]);
  return { appKey: key!, clientId: id };
}

async function makeShop({ baseUrl, appKey, clientId }: Demo): Promise<Demo['products']> {
  // The same idempotency keys each time, so that nothing is made twice.
  const post = (path: string, body: object, idempotencyKey: string, token?: string) =>
    ask('POST', path, body, { 'idempotency-key': idempotencyKey }, token);
  const ask = async (method: string, path: string, body: object, key: Record<string, string>, token?: string) => {
    const headers = {
      'content-type': 'application/json',
      ...key,
      ...(token === undefined ? { 'client-id': clientId } : { authorization: `Bearer ${token}` }),
    };
    const send = () => fetch(`${baseUrl}${path}`, { method, headers, body: JSON.stringify(body) });
    let response = await send();
    // A laptop that has much else to do answers 503 now and then.
    for (let tries = 1; response.status === 503 && tries < 20; tries++) {
      await sleep(1000 * Number(response.headers.get('retry-after') ?? 1));
      response = await send();
    }
    if (response.ok) return (await response.json()) as { id: string };
    throw new Error(
      `The demo shop cannot be set up: ${method} ${path} answered ${response.status} ${await response.text()}`,
    );
  };
  const fillShelves = async () => {
    const products: Demo['products'] = [];
    for (const good of goods) {
      const { id } = await post('/products', good, `demo-${good.sku}`, appKey);
      const stocked = { quantity: unitsEach, reason: 'opening stock' };
      await post(`/products/${id}/stock-movements`, stocked, `demo-stock-${good.sku}`, appKey);
      products.push({ id, sku: good.sku, name: good.name });
    }
    return products;
  };
  const [products] = await Promise.all([
    fillShelves(),
    post('/customers', { ...credentials, name: 'Ada Lovelace' }, 'demo-customer'),
    ...Object.entries(prices).map(([path, body]) => ask('PUT', path, body, {}, appKey)),
  ]);
  return products;
}

/** The demo shop; undefined before its first start. */
export async function readDemo(file: string): Promise<Demo | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Demo;
  } catch {
    return undefined;
  }
}

/** The commands that `npm start` prints, ready to paste. */
export function firstOrder({ appKey, baseUrl, clientId, customer, products }: Demo): string {
  const [first, second] = products;
  const json = `-H 'content-type: application/json'`;
  const shop = `-H 'client-id: ${clientId}'`;
  return `See it: ${baseUrl}/console

Place your first order (paste these lines into a terminal):

  curl -s ${baseUrl}/products ${shop}

  TOKEN=$(curl -s ${baseUrl}/sessions ${shop} ${json} \\
    -d '${JSON.stringify(customer)}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')

  curl -s ${baseUrl}/quotes ${json} -H "authorization: Bearer $TOKEN" \\
    -d '{"lines":[{"productId":"${first?.id}","quantity":2}]}'

  curl -s ${baseUrl}/orders ${json} -H "authorization: Bearer $TOKEN" \\
    -H "idempotency-key: order-$RANDOM$RANDOM" -H 'prefer: wait=10' \\
    -d '{"lines":[{"productId":"${first?.id}","quantity":2},{"productId":"${second?.id}","quantity":1}],"paymentMethod":"pm_card_visa"}'

  curl -s ${baseUrl}/orders -H "authorization: Bearer $TOKEN"

API reference: ${baseUrl}/docs#demo=${docsToken({ appKey })}
Back office: ${baseUrl}/admin#demo=${docsToken({ appKey })}
Reports: ${baseUrl}/reports#demo=${docsToken({ appKey })}
Demo shop: .local/demo.json    Logs: .local/functions.log    Stop: Ctrl-C
`;
}
