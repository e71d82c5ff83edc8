import type { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { metricNamespace, ownDimensions } from '../../../lib/contract/deploy/metrics.ts';
import { cacheAnswers } from '../../../lib/kernel/cache-aside.ts';
import { localStage } from '../environment.ts';
import type { ProxyCounts } from '../rds-proxy/server.ts';
import type { Database } from './database.sql.ts';
import type { MetricStore } from './metric-store.ts';
import {
  type Blocked,
  type Connections,
  connections,
  locks,
  type OutboxState,
  outboxState,
  type QueueDepth,
  queueDepths,
  type SlowStatement,
  type Standby,
  standbys,
  type TableSize,
  tableSizes,
} from './parts.sql.ts';
import type { Parked, RemoteStack } from './protocol.ts';
import { readStatements } from './statements.sql.ts';
import { countItems, type NewestDelivery, newestDeliveries } from './tables.dynamo.ts';

export type PostgresView = {
  proxies: (ProxyCounts & { name: string })[];
  connections: Connections[];
  locks: Blocked[];
  tables: TableSize[];
  standbys: Standby[];
  /** Null when the server does not keep them. */
  statements: SlowStatement[] | null;
};

export async function postgresView(database: Database, stack: RemoteStack): Promise<PostgresView> {
  const folder = await stack.postgresSocket();
  const [proxies, ofConnections, ofLocks, ofTables, ofStandbys, statements] = await Promise.all([
    stack.proxies(),
    database.read(connections),
    database.read(locks),
    database.read(tableSizes),
    database.read(standbys),
    readStatements(folder),
  ]);
  return {
    proxies: Object.entries(proxies).map(([name, counts]) => ({ name, ...counts })),
    connections: ofConnections,
    locks: ofLocks,
    tables: ofTables,
    standbys: ofStandbys,
    statements: statements ?? null,
  };
}

export type EventsView = {
  outbox: OutboxState;
  queues: QueueDepth[];
  parked: Parked[];
  deliveries: NewestDelivery[];
};

/** Where events wait: the outbox, what no consumer took, and webhooks. */
export async function eventsView(
  { database, documents, stack }: { database: Database; documents: DynamoDBDocument; stack: RemoteStack },
  now: Date,
): Promise<EventsView> {
  const [outbox, ofDatabase, webhooks, parked, deliveries] = await Promise.all([
    database.read((sql) => outboxState(sql, now)),
    database.read(queueDepths),
    countItems(documents, 'webhookQueue'),
    stack.parkedEvents(),
    newestDeliveries(documents),
  ]);
  return { outbox, queues: [...ofDatabase, { queue: 'webhooks', waiting: webhooks.items }], parked, deliveries };
}

export type CacheView = { answers: { from: string; count: number }[]; sinceMinutes: number };

const cacheMinutes = 15;

/** Where reads of the catalogue found their answers in the last minutes. */
export function cacheView(store: MetricStore, now: number): CacheView {
  const grid = { from: now - cacheMinutes * 60_000, to: now + 1, period: cacheMinutes * 60_000 + 1 };
  const answers = cacheAnswers.map((from) => {
    const key = { namespace: metricNamespace, name: 'CacheReads', dimensions: ownDimensions(localStage, { from }) };
    const series = store.read(key, 'Sum', grid);
    return { from, count: [...series.values()][0] ?? 0 };
  });
  return { answers, sinceMinutes: cacheMinutes };
}
