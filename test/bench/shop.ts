import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';
import { createAppKey } from '../../lib/apps/app-keys.dynamo.ts';
import { systemClock } from '../../lib/kernel/clock.ts';

export type Shop = {
  stack: Stack;
  directory: string;
  productIds: string[];
  /** A session token for each customer. */
  tokens: string[];
  close(): Promise<void>;
};

/** More than any run sells of one product. */
const unitsEach = 1_000_000;

/**
 * A stack of its own in a temporary folder, with products on sale and customers signed in. Sessions and limits are on;
 * the limits are only too high to be met.
 */
export async function openShop(size: {
  products: number;
  customers: number;
  postgresSettings?: Record<string, string>;
}): Promise<Shop> {
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
  const stack = await startStack({
    directory,
    port: 0,
    settings: { RATE_LIMIT_PER_MINUTE: '1000000' },
    postgresSettings: size.postgresSettings ?? {},
    onCrash: (error) => {
      console.error(error);
      process.exit(1);
    },
  });
  const close = async () => {
    await stack.stop();
    await resetStack(directory);
  };
  try {
    const appKey = await makeAppKey(stack);
    const productIds = await times(size.products, (i) => putOnSale(stack.baseUrl, appKey, i));
    const tokens = await times(size.customers, () => signUpAndIn(stack.baseUrl));
    return { stack, directory, productIds, tokens, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeAppKey({ inside }: Stack): Promise<string> {
  const client = DynamoDBDocumentClient.from(inside.dynamo, { marshallOptions: { removeUndefinedValues: true } });
  const store = { client, table: 'appKeys', clock: systemClock };
  return (await createAppKey(store, { name: 'bench', scopes: ['catalog:write', 'stock:write'] })).key;
}

async function putOnSale(baseUrl: string, appKey: string, number: number): Promise<string> {
  const body = { sku: `BENCH-${number}`, name: `Thing ${number}`, price: { amount: 1999, currency: 'EUR' } };
  const { id } = await post<{ id: string }>(`${baseUrl}/products`, body, appKey);
  const opening = { quantity: unitsEach, reason: 'opening stock' };
  await post(`${baseUrl}/products/${id}/stock-movements`, opening, appKey);
  return id;
}

async function signUpAndIn(baseUrl: string): Promise<string> {
  const person = { email: `${randomUUID()}@example.com`, password: randomUUID() };
  await post(`${baseUrl}/customers`, { ...person, name: 'Grace Hopper' });
  return (await post<{ token: string }>(`${baseUrl}/sessions`, person)).token;
}

async function post<T>(url: string, body: object, bearer?: string): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${url} gave ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** One after the other: hashing passwords side by side only makes them wait for each other. */
async function times<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let i = 0; i < count; i++) made.push(await make(i));
  return made;
}
