import { randomUUID } from 'node:crypto';
import { readDemo } from '../demo.ts';
import { Refused } from './server.ts';

/** What somebody may do with an order from the console: operations of the API, called as the demo shop's back office. */
export const actions = {
  retry: { path: (id: string) => `/manual-review/orders/${id}/retry`, body: false },
  resolve: { path: (id: string) => `/manual-review/orders/${id}/resolve`, body: true },
} as const;

type Api = { baseUrl: string; demoFile: string };

/**
 * Does something with an order through the API, which checks and records it like any operator's action. The key never leaves
 * this machine's processes. @throws Refused with what the API answers
 */
export async function act({ baseUrl, demoFile }: Api, action: keyof typeof actions, orderId: string, body: unknown) {
  const demo = await readDemo(demoFile);
  if (demo === undefined) throw new Refused(409, 'This stack has no demo shop, whose key the console acts with.');
  const { path, body: hasBody } = actions[action];
  const response = await fetch(`${baseUrl}${path(orderId)}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${demo.appKey}`,
      'idempotency-key': randomUUID(),
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
    },
    ...(hasBody ? { body: JSON.stringify(body) } : {}),
  });
  const answer = (await response.json()) as { title?: string; detail?: string };
  if (!response.ok)
    throw new Refused(response.status, answer.detail ?? answer.title ?? `The API answered ${response.status}.`);
  return {};
}
