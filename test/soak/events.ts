import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { Webhook } from 'standardwebhooks';
import { listenOn, portOf } from '../../infra/local/loopback.ts';
import type { Journal } from './journal.ts';

/** A receiver of every event, in order for each order, which now and then answers 500 or loses its answer. */
export type Follower = {
  /** Waits until every event has arrived, and holds what arrived against the outbox and the feed. */
  check(options: { sql: Sql; publish: () => Promise<void>; withinMs: number }): Promise<void>;
  stop(): Promise<void>;
};

type Event = { id: string; aggregateId: string; sequence: number };

/** Registers a webhook endpoint of the product, and follows it through every crash. */
export async function follow(
  { baseUrl, appKey, journal }: { baseUrl: () => string; appKey: string; journal: Journal },
  random: () => number,
): Promise<Follower> {
  const received: Event[] = [];
  const attempted = new Set<string>();
  let verifier: Webhook | undefined;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const id = String(request.headers['webhook-id']);
    const first = !attempted.has(id);
    attempted.add(id);
    // Before anything is kept, and once for an event: the third attempt would come minutes later.
    if (first && random() < 0.05) return void response.writeHead(500).end();
    try {
      received.push(
        verifier!.verify(Buffer.concat(chunks).toString(), request.headers as Record<string, string>) as Event,
      );
    } catch (error) {
      journal.violation('webhooks', `a webhook was not signed by the secret of its endpoint: ${String(error)}`);
    }
    if (first && random() < 0.02) return void request.socket.destroy();
    response.writeHead(204).end();
  });
  await listenOn('127.0.0.1', 0, server);
  const authorization = `Bearer ${appKey}`;
  const response = await fetch(`${baseUrl()}/webhook-endpoints`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ url: `http://127.0.0.1:${portOf(server)}/`, events: ['*'], ordered: true }),
  });
  if (!response.ok) throw new Error(`POST /webhook-endpoints gave ${response.status}: ${await response.text()}`);
  const { secret } = (await response.json()) as { secret: string };
  verifier = new Webhook(secret);
  await sleep(1500); // From then on it gets events.
  const since = new Date();

  return {
    async check({ sql, publish, withinMs }) {
      const until = Date.now() + withinMs;
      let missing: string[] = [];
      for (;;) {
        await publish();
        const rows = await sql<{ id: string; publishedAt: Date | null }[]>`
          select id, published_at from outbox.events where occurred_at > ${since} order by id`;
        const got = new Set(received.map(({ id }) => id));
        missing = rows.filter(({ id, publishedAt }) => publishedAt === null || !got.has(id)).map(({ id }) => id);
        if (missing.length === 0 || Date.now() > until) break;
        await sleep(1000);
      }
      if (missing.length > 0)
        journal.violation('webhooks', `${missing.length} events did not arrive: ${missing.slice(0, 5)}`);
      for (const sentence of disordered(received)) journal.violation('webhooks', sentence);
      for (const sentence of await missingInFeed(baseUrl(), authorization, sql)) journal.violation('feed', sentence);
      for (const _ of received) journal.count('webhooks received');
    },
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** By the first time that each event arrived: it may come again later. */
function disordered(received: readonly Event[]): string[] {
  const seen = new Set<string>();
  const last = new Map<string, number>();
  const broken: string[] = [];
  for (const { id, aggregateId, sequence } of received) {
    if (seen.has(id)) continue;
    seen.add(id);
    const before = last.get(aggregateId) ?? 0;
    if (sequence < before) broken.push(`event ${sequence} of ${aggregateId} arrived after event ${before}`);
    last.set(aggregateId, Math.max(before, sequence));
  }
  return broken;
}

async function missingInFeed(baseUrl: string, authorization: string, sql: Sql): Promise<string[]> {
  const found = new Set<string>();
  for (let after = 0; ; ) {
    const response = await fetch(`${baseUrl}/events?after=${after}&limit=1000`, { headers: { authorization } });
    if (response.status === 503) {
      await sleep(1000);
      continue;
    }
    const page = (await response.json()) as { data: { id: string }[]; next: number; hasMore: boolean };
    for (const { id } of page.data) found.add(id);
    after = page.next;
    if (!page.hasMore) break;
  }
  const rows = await sql<{ id: string }[]>`select id from outbox.events`;
  const missing = rows.filter(({ id }) => !found.has(id));
  return missing.length === 0
    ? []
    : [`${missing.length} events are not in the feed: ${missing.slice(0, 5).map(({ id }) => id)}`];
}
