import { randomUUID } from 'node:crypto';
import { type Agent, request } from 'node:http';

export type OrderRequest = {
  baseUrl: string;
  token: string;
  productId: string;
  /** Seconds of `Prefer: wait=N`; 0 asks for the answer at once. */
  wait: number;
  agent: Agent;
};

/**
 * Places an order of one line under a key of its own.
 * @returns its status in the answer
 * @throws Error when it was refused
 */
export async function placeOrder({ baseUrl, token, productId, wait, agent }: OrderRequest): Promise<string> {
  const body = JSON.stringify({ lines: [{ productId, quantity: 1 }], paymentMethod: 'pm_card_visa' });
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${token}`,
    'idempotency-key': randomUUID(),
    ...(wait === 0 ? {} : { prefer: `wait=${wait}` }),
  };
  const { status, text } = await send(`${baseUrl}/orders`, { agent, method: 'POST', headers }, body);
  if (status !== 201 && status !== 202) throw new Error(`POST /orders gave ${status}: ${text}`);
  return (JSON.parse(text) as { status: string }).status;
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
