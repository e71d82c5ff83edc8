import type { Usage } from '../../infra/cost/usage.ts';
import type { ArchiveFigures } from './archive.ts';
import { initShareOf } from './budgets.ts';
import type { CacheFigures } from './cache.ts';
import type { ChoreographyFigures } from './choreography.ts';
import type { ComposeFigures } from './compose.ts';
import type { ConsoleFigure } from './console.ts';
import type { CountsByWay } from './counts.ts';
import type { EventFigures } from './events.ts';
import type { FunctionFigures } from './functions.ts';
import type { Growth } from './growth.ts';
import type { Hot } from './hot.ts';
import type { LimiterFigures } from './limiter.ts';
import type { MemoryFigures } from './memory.ts';
import { rounded } from './numbers.ts';
import type { PeerFigures } from './peers.ts';
import type { PoolFigures } from './pool.ts';
import type { ReportFigures } from './reports.ts';
import type { RetentionFigures } from './retention.ts';
import type { SearchFigures } from './search.ts';
import type { Throughput } from './throughput.ts';
import type { WarehouseFigures } from './warehouse.ts';
import type { WebhookFigures } from './webhooks.ts';

export type Results = {
  counts?: CountsByWay;
  throughput?: { rows: Record<string, number>; results: Throughput[] };
  hot?: Hot[];
  limiter?: LimiterFigures[];
  functions?: FunctionFigures[];
  memory?: MemoryFigures[];
  pool?: PoolFigures;
  events?: EventFigures[];
  compose?: ComposeFigures[];
  choreography?: ChoreographyFigures[];
  cache?: CacheFigures;
  webhooks?: WebhookFigures;
  search?: SearchFigures;
  console?: ConsoleFigure[];
  usage?: Usage;
  growth?: Growth[];
  retention?: RetentionFigures;
  reports?: ReportFigures;
  warehouse?: WarehouseFigures;
  archive?: ArchiveFigures;
  peers?: PeerFigures[];
};

/** What `--json` writes. Keys beyond those that were asked for say how the figures come about. */
export function toJson({
  counts,
  throughput,
  hot,
  limiter,
  functions,
  memory,
  pool,
  events,
  compose,
  choreography,
  cache,
  webhooks,
  search,
  console,
  usage,
  growth,
  retention,
  reports,
  warehouse,
  archive,
  peers,
}: Results): object {
  return {
    ...(throughput && {
      ordersPerSecond: byClients(throughput.results, ({ ordersPerSecond }) => rounded(ordersPerSecond)),
      latencyMs: byClients(throughput.results, ({ latencyMs: { p50, p99 } }) => ({
        p50: rounded(p50),
        p99: rounded(p99),
      })),
      limitPerSecond: byClients(throughput.results, ({ limitPerSecond }) => rounded(limitPerSecond)),
      ofLimit: byClients(throughput.results, ({ ofLimit }) => rounded(ofLimit, 3)),
      rowsPerOrder: throughput.rows,
    }),
    ...(counts && {
      statementsPerOrder: counts.waiting.statements,
      commitsPerOrder: counts.waiting.commits,
      readOnlyTransactionsPerOrder: counts.waiting.readOnlyTransactions,
      stateTransitionsPerOrder: counts.waiting.stateTransitions,
      dynamoCallsPerOrder: counts.waiting.dynamoCalls,
      perOrder: counts,
    }),
    ...(hot && {
      hotOfSpread: Object.fromEntries(hot.map(({ clients, ofSpread }) => [String(clients), rounded(ofSpread, 3)])),
    }),
    ...(limiter && {
      limiter: limiter.map(({ writesPerRequest, busiestShare, ...rest }) => ({
        ...rest,
        writesPerRequest: rounded(writesPerRequest, 3),
        busiestShare: rounded(busiestShare, 3),
      })),
    }),
    ...(growth && {
      growth: growth.map(({ operation, p50, ratio }) => ({ operation, p50, ratio: rounded(ratio, 3) })),
    }),
    ...(retention && { retention }),
    ...(reports && { reports }),
    ...(warehouse && { warehouse }),
    ...(archive && { archive }),
    ...(memory && { memory }),
    ...(pool && { pool }),
    ...(events && { events }),
    ...(compose && { compose }),
    ...(choreography && { choreography }),
    ...(cache && { cache }),
    ...(webhooks && { webhooks }),
    ...(search && { search }),
    ...(console && { console }),
    ...(usage && { usage }),
    ...(peers && { peers }),
    ...(functions && {
      httpInitShareOfNaive: rounded(initShareOf(functions), 3),
      functions: functions.map(({ initMs, naiveInitMs, initCpuMs, naiveInitCpuMs, ...rest }) => ({
        ...rest,
        initMs: rounded(initMs),
        naiveInitMs: rounded(naiveInitMs),
        initCpuMs: rounded(initCpuMs),
        naiveInitCpuMs: rounded(naiveInitCpuMs),
      })),
    }),
  };
}

const byClients = <T>(results: Throughput[], of: (result: Throughput) => T): Record<string, T> =>
  Object.fromEntries(results.map((result) => [String(result.clients), of(result)]));
