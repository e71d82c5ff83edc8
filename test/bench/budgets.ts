import { cacheLimits } from '../../lib/kernel/cache-store.ts';
import type { CacheFigures } from './cache.ts';
import type { CountsByWay } from './counts.ts';
import type { EventFigures } from './events.ts';
import type { FunctionFigures } from './functions.ts';
import type { Growth } from './growth.ts';
import type { Hot } from './hot.ts';
import type { LimiterFigures } from './limiter.ts';
import { sum } from './numbers.ts';
import type { PoolFigures } from './pool.ts';
import type { ReportFigures } from './reports.ts';
import type { RetentionFigures } from './retention.ts';
import type { SearchFigures } from './search.ts';
import type { WarehouseFigures } from './warehouse.ts';
import type { WebhookFigures } from './webhooks.ts';

export const budgets = {
  /** SQL statements, commits, state transitions and, in steady traffic, DynamoDB calls of one order. */
  order: {
    notWaiting: { statements: 5, commits: 3, stateTransitions: 3, dynamoCalls: 3 },
    waiting: { statements: 6, commits: 3, stateTransitions: 3, dynamoCalls: 3 },
  },
  /** Orders a second from which traffic counts as steady. With less, the calls to DynamoDB are shown and not judged. */
  steadyOrders: 4,
  /** Of an HTTP function's module, minified. */
  bytes: 700 * 1024,
  bytesOf: { 'http/place-order': 800 * 1024 } as Record<string, number>,
  /** What the HTTP functions together take to start, as a share of what they take bundled naively. */
  initShare: 0.5,
  /** Orders a second on one hot product, as a share of those on many. */
  hotOfSpread: 0.6,
  /** The middle of a request's times in the largest shop, against that in the smallest. */
  growth: 1.2,
  /** The same of a job, whose slice of the history is a fixed part of it, and of a report. */
  growthOfJobs: 3,
  /** The p99 of orders beside jobs that archive and delete, against that without them. */
  retention: 1.5,
  /** The p99 of orders beside an analyst's statement that runs away on processors of its own, against that without it. */
  runaway: 1.1,
  /**
   * In a shop of 1,000,000 orders: reports, against one of 10,000; a year's daily sales from the summary, of what they take from the orders;
   * seconds of a load after 10,000 orders of a day have changed.
   */
  warehouse: { growth: 1.5, summary: 1 / 100, changedSeconds: 10 },
  /** Statements a second over reused connections, against those over fresh ones. */
  pool: 2,
  /** What 99 of 100 webhooks take at most beside endpoints that take none, against alone. */
  webhooksBeside: 2,
  /** DynamoDB writes of the limiter for a request, and what it may spend on all its refusals besides, for each. */
  limiterWrites: { passed: 1, refused: 0.2 },
  /** The middle of what lists take that are searched, narrowed or sorted, against the plain list. */
  search: 2,
  /** SQL statements of a thousand readers of one entry; seconds until others have what a killed process was loading. */
  cache: { statements: 1, killedSeconds: cacheLimits.lease / 1000 + 2 },
};

/** One sentence for every budget of counting that is broken. */
export function brokenByCounts({ waiting, notWaiting }: CountsByWay): string[] {
  return [
    { way: 'that is waited for', counts: waiting, budget: budgets.order.waiting },
    { way: 'that is not waited for', counts: notWaiting, budget: budgets.order.notWaiting },
  ].flatMap(({ way, counts, budget }) =>
    (Object.keys(budget) as (keyof typeof budget)[])
      .filter((what) => counts[what] > budget[what])
      .filter((what) => what !== 'dynamoCalls' || counts.ordersPerSecond >= budgets.steadyOrders)
      .map((what) => `An order ${way} takes ${counts[what]} ${names[what]}; the budget is ${budget[what]}.`),
  );
}

const names = {
  statements: 'SQL statements',
  commits: 'commits',
  stateTransitions: 'state transitions',
  dynamoCalls: 'DynamoDB calls',
};

/** A sentence if jobs that archive and delete disturb orders. */
export const brokenByRetention = ({ ratio: { p99 } }: RetentionFigures): string[] =>
  p99 > budgets.retention
    ? [
        `Beside jobs that archive and delete, the p99 of orders is ${p99.toFixed(2)} times as long; the budget is ${budgets.retention}.`,
      ]
    : [];

/** One sentence for every number of clients whose orders of one product are too slow. */
export function brokenByHot(hot: readonly Hot[]): string[] {
  const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
  return hot
    .filter(({ ofSpread }) => ofSpread < budgets.hotOfSpread)
    .map(
      ({ clients, ofSpread }) =>
        `${clients} clients place ${percent(ofSpread)} as many orders of one product as of many; the budget is ${percent(budgets.hotOfSpread)}.`,
    );
}

/** One sentence for every operation that takes longer in a larger shop. */
export function brokenByGrowth(growth: readonly Growth[]): string[] {
  return growth
    .map((each) => ({
      ...each,
      budget: /^(job|sales report) /.test(each.operation) ? budgets.growthOfJobs : budgets.growth,
    }))
    .filter(({ ratio, budget }) => ratio > budget)
    .map(
      ({ operation, ratio, budget }) =>
        `${operation}: ${ratio.toFixed(2)} times as long in the largest shop as in the smallest; the budget is ${budget}.`,
    );
}

/** One sentence when a statement that runs away on a reader of its own holds up orders. */
export const brokenByReports = ({ apart }: ReportFigures): string[] =>
  apart !== undefined && apart.p99Ratio > budgets.runaway
    ? [
        `The p99 of orders beside a statement that runs away is ${apart.p99Ratio.toFixed(2)} times that without; the budget is ${budgets.runaway}.`,
      ]
    : [];

/** One sentence for every expectation of the warehouse that is broken. */
export function brokenByWarehouse({ growth = [], summaryRatio = 0, loads }: WarehouseFigures): string[] {
  const { growth: most, summary, changedSeconds } = budgets.warehouse;
  return [
    ...growth
      .filter(({ ratio }) => ratio > most)
      .map(
        ({ report, ratio }) => `${report}: ${ratio.toFixed(2)} times as long in the large shop; the budget is ${most}.`,
      ),
    ...(summaryRatio > summary
      ? [
          `The summary takes 1/${Math.round(1 / summaryRatio)} of the time of the orders; the budget is 1/${1 / summary}.`,
        ]
      : []),
    ...(loads !== undefined && loads.changedSeconds > changedSeconds
      ? [`A load of a day's changes takes ${loads.changedSeconds.toFixed(1)} s; the budget is ${changedSeconds} s.`]
      : []),
  ];
}

/** One sentence for every situation in which the limiter writes too often. */
export function brokenByLimiter(limiter: readonly LimiterFigures[]): string[] {
  return limiter.flatMap(({ situation, requests, passed, writesPerRequest }) => {
    const budget =
      (passed * budgets.limiterWrites.passed + (requests - passed) * budgets.limiterWrites.refused) / requests;
    return writesPerRequest > budget
      ? [`The limiter (${situation}) writes ${writesPerRequest} times a request; the budget is ${budget}.`]
      : [];
  });
}

/** One sentence for every expectation of connections and crowds that is broken. */
export function brokenByPool({ ratio, crowd }: PoolFigures): string[] {
  const { requests, answered, otherwise } = crowd;
  return [
    ...(ratio < budgets.pool
      ? [
          `Reused connections give ${ratio.toFixed(1)} times the statements of fresh ones; the budget is ${budgets.pool}.`,
        ]
      : []),
    ...(otherwise > 0
      ? [`${otherwise} of ${requests} requests at once ended without an answer or 503 with Retry-After.`]
      : []),
    ...(answered === 0 ? [`None of ${requests} requests at once was answered.`] : []),
  ];
}

/** One sentence for every promise of the cache that is broken. How much faster it is, is for a person to compare. */
export function brokenByCache({ crowds, killed, awayErrors }: CacheFigures): string[] {
  const { statements: most, killedSeconds } = budgets.cache;
  return [
    ...crowds
      .filter(({ situation, statements }) => situation !== 'without the cache' && statements > most)
      .map(
        ({ situation, readers, statements }) =>
          `${readers} readers ${situation} cause ${statements} SQL statements; the budget is ${most}.`,
      ),
    ...(killed.loads !== 1 ? [`The readers of a killed process cause ${killed.loads} loads instead of one.`] : []),
    ...(killed.seconds > killedSeconds
      ? [`The readers of a killed process wait ${killed.seconds} s; the budget is ${killedSeconds} s.`]
      : []),
    ...(awayErrors > 0 ? [`${awayErrors} reads without DynamoDB got no answer.`] : []),
  ];
}

/** One sentence if searching is too slow. */
export const brokenBySearch = ({ ratio }: SearchFigures): string[] =>
  ratio > budgets.search
    ? [`A search takes ${ratio.toFixed(1)} times a plain list; the budget is ${budgets.search}.`]
    : [];

/** One sentence for every event that did not arrive. How long they take is for a person to compare. */
export const brokenByEvents = (events: readonly EventFigures[]): string[] =>
  events
    .filter(({ missing }) => missing > 0)
    .map(({ situation, missing }) => `${missing} events did not arrive (webhooks to ${situation}).`);

/** One sentence when endpoints that take nothing delay the others, and one for webhooks that did not arrive. */
export function brokenByWebhooks({ alone, beside, ratio }: WebhookFigures): string[] {
  const missing = alone.missing + beside.missing;
  return [
    ...(ratio > budgets.webhooksBeside
      ? [
          `Webhooks take ${ratio.toFixed(2)} times as long beside endpoints that take none; the budget is ${budgets.webhooksBeside}.`,
        ]
      : []),
    ...(missing > 0 ? [`${missing} webhooks did not arrive.`] : []),
  ];
}

/** One sentence for every budget of functions that is broken. */
export function brokenByFunctions(functions: readonly FunctionFigures[]): string[] {
  const broken = functions.filter(isHttp).flatMap(({ name, bytes }) => {
    const budget = budgets.bytesOf[name] ?? budgets.bytes;
    return bytes > budget ? [`The bundle of ${name} has ${bytes} bytes; the budget is ${budget}.`] : [];
  });
  const share = initShareOf(functions);
  if (share > budgets.initShare) {
    const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
    broken.push(
      `The HTTP functions start in ${percent(share)} of the time that they take bundled naively; the budget is ${percent(budgets.initShare)}.`,
    );
  }
  return broken;
}

/** What the HTTP functions take to start, all of them one after the other, as a share of their naive bundles. */
export function initShareOf(functions: readonly FunctionFigures[]): number {
  const http = functions.filter(isHttp);
  return sum(http.map(({ initMs }) => initMs)) / sum(http.map(({ naiveInitMs }) => naiveInitMs));
}

const isHttp = ({ name }: FunctionFigures): boolean => name.startsWith('http/');
