import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { resetStack, type Stack, type StackOptions, startStack } from '../../infra/local/stack.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import type { Scope } from '../../lib/contract/deploy/roles.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { fieldsOf, newServer } from '../support/applications.ts';

export type Shop = {
  stack: Stack;
  directory: string;
  /** Of the web application that customers use. */
  clientId: string;
  productIds: string[];
  /** A session token for each customer. */
  tokens: string[];
  /** The key of a server with these scopes. */
  newKey(...scopes: Scope[]): Promise<string>;
  /** Puts a product with so many units on sale. */
  newProduct(units: number): Promise<string>;
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
  onRun?: StackOptions['onRun'];
  /** Where the stack lies instead, and stays. */
  directory?: string | undefined;
}): Promise<Shop> {
  const directory = size.directory ?? (await mkdtemp(join(tmpdir(), 'counterfoil-bench-')));
  const stack = await startStack({
    directory,
    port: 0,
    // Copies of an order's rows, which the database's limit is measured with, count as unpaid orders.
    settings: { RATE_LIMIT_PER_MINUTE: '1000000', MAX_UNPAID_ORDERS: '1000000', MAX_UNPAID_UNITS: '1000000' },
    postgresSettings: size.postgresSettings ?? {},
    ...(size.onRun === undefined ? {} : { onRun: size.onRun }),
    onCrash: (error) => {
      console.error(error);
      process.exit(1);
    },
  });
  const close = async () => {
    await stack.stop();
    if (size.directory === undefined) await resetStack(directory);
  };
  try {
    const { appKey, clientId } = await registerApplications(stack);
    const newKey = async (...scopes: Scope[]) => (await newServer(storeOf(stack), ...scopes)).key;
    const newProduct = (units: number) => putOnSale(stack.baseUrl, appKey, units);
    const productIds = await times(size.products, () => newProduct(unitsEach));
    const tokens = await times(size.customers, () => signUpAndIn(stack.baseUrl, clientId));
    return { stack, directory, clientId, productIds, tokens, newKey, newProduct, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The shop is of the highest class, whose multiple of the limit no run reaches. */
async function registerApplications(stack: Stack): Promise<{ appKey: string; clientId: string }> {
  const store = storeOf(stack);
  const { key } = await newServer(store, 'catalog:write', 'stock:write');
  const { id } = await registerByHand(store, { ...fieldsOf('web'), rateClass: 'high' });
  return { appKey: key, clientId: id };
}

const storeOf = ({ inside }: Stack) => ({
  client: DynamoDBDocument.from(inside.dynamo, { marshallOptions: { removeUndefinedValues: true } }),
  table: 'applications',
  keysTable: 'appKeys',
  clock: systemClock,
});

async function putOnSale(baseUrl: string, appKey: string, units: number): Promise<string> {
  const body = { sku: `BENCH-${randomUUID().slice(0, 13)}`, name: 'Thing', price: { amount: 1999, currency: 'EUR' } };
  const by = { authorization: `Bearer ${appKey}` };
  const { id } = await post<{ id: string }>(`${baseUrl}/products`, body, by);
  const opening = { quantity: units, reason: 'opening stock' };
  await post(`${baseUrl}/products/${id}/stock-movements`, opening, by);
  return id;
}

async function signUpAndIn(baseUrl: string, clientId: string): Promise<string> {
  const person = { email: `${randomUUID()}@example.com`, password: randomUUID() };
  const by = { 'client-id': clientId };
  await post(`${baseUrl}/customers`, { ...person, name: 'Grace Hopper' }, by);
  return (await post<{ token: string }>(`${baseUrl}/sessions`, person, by)).token;
}

async function post<T>(url: string, body: object, credentials: Record<string, string>): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...credentials },
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
