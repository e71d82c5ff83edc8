/** A whole flow of a shop by the client that @hey-api/openapi-ts generates. Arguments: base URL, Client-Id. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { client } from './generated/client.gen.ts';
import { getOrder, getOrderTimeline, listProducts, placeOrder, signIn, signUp } from './generated/sdk.gen.ts';

const [baseUrl, clientId] = process.argv.slice(2) as [string, string];
client.setConfig({ baseUrl });
const shop = {
  auth: ({ name }: { name?: string }) => (name === 'Client-Id' ? clientId : undefined),
  throwOnError: true,
} as const;

const credentials = { email: `hey-${randomUUID()}@example.com`, password: `secret-${randomUUID()}` };
const { data: signedUp } = await signUp({ ...shop, body: { ...credentials, name: 'Ada' } });
assert.equal(signedUp.email, credentials.email);
const { data: session } = await signIn({ ...shop, body: credentials });
const { data: products } = await listProducts({ ...shop, query: { limit: 1 } });
const [product] = products.data;
assert.ok(product);

/** Whoever may order as a guest too is asked for a `Client-Id` first. */
const auth = ({ scheme }: { scheme?: string }) => (scheme === 'bearer' ? session.token : undefined);
const headers = () => ({ 'Idempotency-Key': randomUUID(), Prefer: 'wait=20' });
const basket = (productId: string) => ({ lines: [{ productId, quantity: 1 }], paymentMethod: 'pm_card_visa' });

const { data: order } = await placeOrder({ auth, headers: headers(), body: basket(product.id), throwOnError: true });
assert.equal(order.status, 'confirmed');
assert.equal(order.total.amount, product.price.amount);
const path = { orderId: order.id };
const { data: again } = await getOrder({ auth, path, throwOnError: true });
assert.deepEqual(again, order);
const { data: timeline } = await getOrderTimeline({ auth, path, throwOnError: true });
const last = timeline.data.at(-1);
assert.ok(last?.type === 'status-changed');
assert.equal(last.detail.to, 'confirmed');

const { error } = await placeOrder({ auth, headers: headers(), body: basket(`prd_${'0'.repeat(32)}`) });
assert.equal(error?.code, 'product-not-available');
