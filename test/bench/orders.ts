import { randomUUID } from 'node:crypto';
import { type Agent, request } from 'node:http';

export type OrderRequest = {
  /** Where orders are posted. */
  url: string;
  token: string;
  /** One unit of each. */
  productIds: string[];
  /** Seconds of `Prefer: wait=N`; 0 asks for the answer at once. */
  wait: number;
  agent: Agent;
};

/**
 * Places an order under a key of its own.
 * @returns its status in the answer
 * @throws Error when it was refused for another reason than its stock
 */
export async function placeOrder({ url, token, productIds, wait, agent }: OrderRequest): Promise<string> {
  const lines = productIds.map((productId) => ({ productId, quantity: 1 }));
  const body = JSON.stringify({ lines, paymentMethod: 'pm_card_visa' });
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${token}`,
    'idempotency-key': randomUUID(),
    ...(wait === 0 ? {} : { prefer: `wait=${wait}` }),
  };
  const { status, text } = await send(url, { agent, method: 'POST', headers }, body);
  const order = JSON.parse(text) as { status?: unknown };
  // A problem has a status too, which is a number.
  if (typeof order.status !== 'string') throw new Error(`POST ${url} gave ${status}: ${text}`);
  return order.status;
}

function send(url: string, options: object, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
