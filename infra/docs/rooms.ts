/** What each room of `lib/` holds, and which rooms it may import besides itself. */
export const rooms = {
  kernel: { holds: 'ids, money, clock, errors, small data structures', imports: [] },
  contract: {
    holds:
      'what others rely on: `api/` requests, answers, problems · `events/` domain events · `deploy/` rights, roles, tables, metrics',
    imports: ['kernel'],
  },
  database: {
    holds: 'migrations and their runner, transactions, idempotency records, what stores ask of DynamoDB',
    imports: ['kernel', 'contract'],
  },
  events: { holds: 'the outbox, the feed, publishing, webhooks', imports: ['kernel', 'contract', 'database'] },
  shop: {
    holds: 'catalogue, pricing, stock, orders, payments',
    imports: ['kernel', 'contract', 'database', 'events'],
  },
  saga: {
    holds: 'what the steps of an order do, and in which order: state, compensation, the wording of failures',
    imports: ['kernel', 'contract', 'database', 'events', 'shop'],
  },
  analytics: {
    holds:
      'reports: where they are read, how old they are, what they add up, who has them sent; what the warehouse loads',
    imports: ['kernel', 'contract', 'database', 'events'],
  },
  auth: {
    holds: 'applications, keys, sessions, identity tokens, rate limits',
    imports: ['kernel', 'contract', 'database'],
  },
  accounts: {
    holds: 'customers, passwords, linked identities, mail',
    imports: ['kernel', 'contract', 'database', 'events', 'auth'],
  },
  operations: {
    holds: 'manual review, reconciliation, monitoring, health, audit, usage',
    imports: ['kernel', 'contract', 'database', 'events', 'shop', 'saga'],
  },
  http: {
    holds: 'what wraps an HTTP handler: authorization, validation, problems, idempotency',
    imports: ['kernel', 'contract', 'database', 'auth'],
  },
  platform: {
    holds: 'the composition root: configuration, database pools, AWS clients, cache, telemetry, handlers by trigger',
    imports: [
      'kernel',
      'contract',
      'database',
      'events',
      'shop',
      'saga',
      'auth',
      'accounts',
      'operations',
      'analytics',
      'http',
    ],
  },
} as const satisfies Record<string, { holds: string; imports: readonly string[] }>;

export type Room = keyof typeof rooms;

/** The room that a file of `lib/` stands in; undefined for files elsewhere. */
export function roomOf(file: string): Room | undefined {
  const name = /^lib\/([^/]+)\//.exec(file)?.[1];
  return name !== undefined && name in rooms ? (name as Room) : undefined;
}
