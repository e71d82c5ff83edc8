import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { prepareDemo } from '../../infra/local/demo.ts';
import { type Stack, startStack } from '../../infra/local/stack.ts';

/** Credentials that requests come with. */
export type Kind = {
  name: string;
  /** `Name: value`; none for nobody. */
  header?: string;
  /** Operations that would take these credentials away, or that are tried out alone. */
  without?: readonly string[];
  only?: readonly string[];
  /** Names of the texts that these callers may be told. */
  mayRead?: readonly string[];
};

export type World = {
  stack: Stack;
  kinds: readonly Kind[];
  /** Ids that exist, by path parameter. */
  ids: Record<string, string[]>;
  /** Ids that must stay as they are, or the other credentials would end, by path parameter. */
  spared: Record<string, string[]>;
  /** Texts that no answer may hold, by what they are. */
  canaries: Record<string, string>;
  /** Texts that no log may hold either. */
  secrets: Record<string, string>;
  logs: string[];
  /** Requests that the gateway has answered. */
  answered: () => number;
};

const signingOut = ['sign-out', 'sign-out-everywhere'];
const erasing = ['erase-me'];

/** Starts the product with its data in this folder, and fills it with what there is to find, change and leak. */
export async function makeWorld(directory: string): Promise<World> {
  let count = 0;
  const stack = await startStack({
    directory,
    port: 0,
    identityPort: 0,
    settings: { RATE_LIMIT_PER_MINUTE: '1000000', RESERVATION_SECONDS: '60' },
    onRequest: () => {
      count++;
    },
    onMail: () => {},
    onCrash: (error) => {
      console.error(error);
      process.exit(1);
    },
  });
  return fill(stack, directory, () => count).catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
}

async function fill(stack: Stack, directory: string, answered: () => number): Promise<World> {
  const [demo] = await Promise.all([prepareDemo(stack, directory), stack.inside.runJob('refresh-issuer-keys')]);
  const office = asker(stack.baseUrl, { authorization: `Bearer ${demo.appKey}` });
  const shop = asker(stack.baseUrl, { 'client-id': demo.clientId });

  const signUpAndIn = async (name: string) => {
    const credentials = { email: `${name}-${randomUUID()}@example.com`, password: `secret-${randomUUID()}` };
    await shop('POST', '/customers', { ...credentials, name });
    const { customerId, token } = await shop('POST', '/sessions', credentials);
    return { ...credentials, id: customerId!, token: token!, again: () => shop('POST', '/sessions', credentials) };
  };
  const [customer, other, goner] = [
    await signUpAndIn('fuzzed'),
    await signUpAndIn('other'),
    await signUpAndIn('goner'),
  ];
  const productIds = demo.products.map(({ id }) => id);
  const placeOrder = async (token: string) => {
    const ask = asker(stack.baseUrl, { authorization: `Bearer ${token}`, prefer: 'wait=20' });
    const order = { lines: [{ productId: productIds[0], quantity: 1 }], paymentMethod: 'pm_ok' };
    return (await ask('POST', '/orders', order)).id!;
  };
  const orderIds = [await placeOrder(customer.token), await placeOrder(customer.token)];
  const otherOrderId = await placeOrder(other.token);

  const register = (name: string, scopes: string[]) =>
    office('POST', '/applications', { name, kind: 'server', scopes, contact: 'fuzz@example.com' });
  const bare = await register('Without scopes', []);
  const victim = await register('To be changed', ['catalog:read']);
  const newKey = (id: string) => office('POST', `/applications/${id}/keys`, {});
  const [bareKey, victimKey] = [await newKey(bare.id!), await newKey(victim.id!)];
  const [leaving, listed] = [await customer.again(), await other.again()];
  const applications = (await office('GET', '/applications')) as unknown as { data: { id: string }[] };
  const spared = applications.data.map(({ id }) => id).filter((id) => id !== victim.id);

  const bearer = (token: string | undefined) => `Authorization: Bearer ${token}`;
  const secrets = {
    'the password of a customer': customer.password,
    'the password of another customer': other.password,
    'the token of a session': customer.token,
    'the token of another customer’s session': other.token,
    'an app key': demo.appKey,
    'another app key': bareKey.key!,
    'a third app key': victimKey.key!,
  };
  const ofOthers = { 'the e-mail of another customer': other.email, 'the order of another customer': otherOrderId };
  return {
    stack,
    kinds: [
      { name: 'nobody' },
      { name: 'client', header: `Client-Id: ${demo.clientId}` },
      { name: 'session', header: bearer(customer.token), without: [...signingOut, ...erasing] },
      { name: 'key', header: bearer(demo.appKey), mayRead: Object.keys(ofOthers) },
      { name: 'key-without-scopes', header: bearer(bareKey.key) },
      { name: 'unknown-token', header: bearer(`cfs_${'A'.repeat(64)}`) },
      { name: 'signing-out', header: bearer(leaving.token), only: signingOut },
      { name: 'erasing', header: bearer(goner.token), only: erasing },
    ],
    ids: {
      productId: productIds,
      orderId: [...orderIds, otherOrderId],
      customerId: [other.id],
      applicationId: [victim.id!],
      keyId: [victimKey.id!],
      sessionId: [listed.id!].filter((id) => id !== undefined),
    },
    spared: { applicationId: spared, customerId: [customer.id] },
    canaries: {
      ...secrets,
      ...ofOthers,
      'a path of the code': 'node_modules',
      'a place in the code': 'file://',
      'an error of PostgreSQL': 'PostgresError',
      'a statement': 'insert into ',
      'another statement': 'select * from',
    },
    secrets: { ...secrets, 'the e-mail of a customer': customer.email, 'the e-mail of another customer': other.email },
    logs: [join(directory, 'functions.log'), join(directory, 'postgres/server.log')],
    answered,
  };
}

type Answer = Partial<Record<'id' | 'key' | 'token' | 'customerId', string>>;

function asker(baseUrl: string, credentials: Record<string, string>) {
  return async (method: string, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: { ...credentials, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.ok) return (await response.json()) as Answer;
    throw new Error(`${method} ${path} gave ${response.status} ${await response.text()}`);
  };
}
