import type { Usage } from '../../infra/cost/usage.ts';
import type { ArchiveFigures } from './archive.ts';
import { budgets, initShareOf } from './budgets.ts';
import type { CacheFigures } from './cache.ts';
import type { ChoreographyFigures } from './choreography.ts';
import type { ComposeFigures } from './compose.ts';
import type { ConsoleFigure } from './console.ts';
import type { Counts, CountsByWay } from './counts.ts';
import type { EventFigures } from './events.ts';
import type { FunctionFigures } from './functions.ts';
import type { Growth } from './growth.ts';
import type { Hot } from './hot.ts';
import type { LimiterFigures } from './limiter.ts';
import type { MemoryFigures } from './memory.ts';
import { rounded } from './numbers.ts';
import type { PeerFigures } from './peers.ts';
import type { PoolFigures } from './pool.ts';
import type { Results } from './report.ts';
import type { ReportFigures } from './reports.ts';
import type { RetentionFigures } from './retention.ts';
import type { SearchFigures } from './search.ts';
import type { Throughput } from './throughput.ts';
import type { WarehouseFigures } from './warehouse.ts';
import type { WebhookFigures } from './webhooks.ts';

/** The results for a person to read. */
export function toText({
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
}: Results): string {
  return [
    ...(counts === undefined ? [] : [countsText(counts)]),
    ...(throughput === undefined ? [] : [throughputText(throughput.results, throughput.rows)]),
    ...(hot === undefined ? [] : [hotText(hot)]),
    ...(limiter === undefined ? [] : [limiterText(limiter)]),
    ...(functions === undefined ? [] : [functionsText(functions)]),
    ...(memory === undefined ? [] : [memoryText(memory)]),
    ...(pool === undefined ? [] : [poolText(pool)]),
    ...(events === undefined ? [] : [eventsText(events)]),
    ...(compose === undefined ? [] : [composeText(compose)]),
    ...(choreography === undefined ? [] : [choreographyText(choreography)]),
    ...(cache === undefined ? [] : [cacheText(cache)]),
    ...(webhooks === undefined ? [] : [webhooksText(webhooks)]),
    ...(search === undefined ? [] : [searchText(search)]),
    ...(console === undefined ? [] : [consoleText(console)]),
    ...(usage === undefined ? [] : [usageText(usage)]),
    ...(growth === undefined ? [] : [growthText(growth)]),
    ...(retention === undefined ? [] : [retentionText(retention)]),
    ...(reports === undefined ? [] : [reportsText(reports)]),
    ...(warehouse === undefined ? [] : [warehouseText(warehouse)]),
    ...(archive === undefined ? [] : [archiveText(archive)]),
    ...(peers === undefined ? [] : [peersText(peers)]),
  ].join('\n\n');
}
function countsText({ waiting, notWaiting }: CountsByWay): string {
  const line = (way: string, counts: Counts) => [
    way,
    rounded(counts.statements, 2),
    counts.commits,
    rounded(counts.readOnlyTransactions, 2),
    counts.stateTransitions,
    `${rounded(counts.dynamoCalls, 2)}${counts.ordersPerSecond < budgets.steadyOrders ? ' (too slow to judge)' : ''}`,
    rounded(counts.ordersPerSecond, 1),
    Object.entries(counts.dynamoCallsByOperation)
      .map(([name, calls]) => `${name} ${rounded(calls, 2)}`)
      .join(', '),
  ];
  return table(
    ['one order', 'statements', 'commits', 'read-only', 'transitions', 'DynamoDB', 'orders/s', 'of which'],
    [line('wait=20', waiting), line('no wait', notWaiting)],
  );
}

function throughputText(results: Throughput[], rows: Record<string, number>): string {
  const lines = results.map(({ clients, ordersPerSecond, latencyMs, limitPerSecond, ofLimit }) => [
    clients,
    rounded(ordersPerSecond),
    rounded(latencyMs.p50),
    rounded(latencyMs.p99),
    rounded(limitPerSecond),
    `${rounded(100 * ofLimit)} %`,
  ]);
  const all = Object.entries(rows).map(([name, count]) => `${name} ${count}`);
  return `${table(['clients', 'orders/s', 'p50 ms', 'p99 ms', 'limit/s', 'of the limit'], lines)}\nRows of one order: ${all.join(', ')}`;
}

function hotText(hot: Hot[]): string {
  const lines = hot.map(({ clients, hotPerSecond, spreadPerSecond, ofSpread }) => [
    clients,
    rounded(hotPerSecond),
    rounded(spreadPerSecond),
    `${rounded(100 * ofSpread)} %`,
  ]);
  return table(['clients', 'one product: orders/s', 'a hundred', 'share'], lines);
}

function consoleText(figures: ConsoleFigure[]): string {
  const lines = figures.map(({ wait, median, longest }) => [wait, rounded(median), rounded(longest)]);
  return table(['the console shows, in ms', 'median', 'longest'], lines);
}

function growthText(growth: Growth[]): string {
  const sizes = Object.keys(growth[0]!.p50);
  const lines = growth.map(({ operation, p50, ratio }) => [
    operation,
    ...sizes.map((size) => rounded(p50[Number(size)]!)),
    rounded(ratio, 2),
  ]);
  return table(['p50 in ms', ...sizes.map((size) => `${size} orders`), 'ratio'], lines);
}

function memoryText(memory: MemoryFigures[]): string {
  const sizes = Object.keys(memory[0]!.sizes).map(Number);
  const lines = memory.map(({ name, busyMs, waitingMs, sizes: by }) => [
    name,
    rounded(busyMs),
    rounded(waitingMs),
    ...sizes.map((mb) => `${rounded(by[mb]!.ms)} ms, $${rounded(by[mb]!.usdPerMillion, 2)}`),
  ]);
  return table(['one at a time', 'busy ms', 'waiting ms', ...sizes.map((mb) => `${mb} MB`)], lines);
}

function poolText({ reusedPerSecond, freshPerSecond, ratio, comments, crowd }: PoolFigures): string {
  const connections = table(
    ['statements/s over', 'reused connections', 'fresh ones', 'ratio'],
    [['', rounded(reusedPerSecond), rounded(freshPerSecond), `× ${rounded(ratio)}`]],
  );
  const commented = table(
    ['statements that name their request', 'of sampled requests', 'of all'],
    [['statements/s ÷ those of plain ones', rounded(comments.sampled, 2), rounded(comments.all, 2)]],
  );
  const { requests, answered, refused, otherwise, seconds, recovery } = crowd;
  return `${connections}\n${commented}\n${table(
    ['requests at once', 'answered', '503 with Retry-After', 'otherwise', 'seconds', 'single request after ÷ before'],
    [[requests, answered, refused, otherwise, rounded(seconds), rounded(recovery, 2)]],
  )}`;
}

function eventsText(events: EventFigures[]): string {
  const lines = events.map(({ situation, events: count, publishedP99Ms, p50Ms, p99Ms, missing }) => [
    situation,
    count,
    rounded(publishedP99Ms),
    rounded(p50Ms),
    rounded(p99Ms),
    missing,
  ]);
  return table(['webhooks to', 'events', 'to the bus p99 ms', 'to the receiver p50 ms', 'p99 ms', 'missing'], lines);
}

function composeText(compose: ComposeFigures[]): string {
  const lines = compose.map(({ way, requests, statements, p50Ms, ratio }) => [
    way,
    requests,
    statements,
    rounded(p50Ms),
    `× ${rounded(ratio, 2)}`,
  ]);
  return table(['an order', 'requests', 'statements', 'p50 ms', 'of the plain read'], lines);
}

const usageText = (usage: Usage): string =>
  ['an order uses', ...Object.entries(usage).map(([name, value]) => `${name.padEnd(16)}${rounded(value, 3)}`)].join(
    '\n',
  );

function searchText({ products, lists, ratio }: SearchFigures): string {
  const lines = [
    ...lists.map(({ list, p50Ms, ratio }) => [list, rounded(p50Ms), `× ${rounded(ratio, 2)}`]),
    ['the middle of these', '', `× ${rounded(ratio, 2)}`],
  ];
  return table([`of ${products} products`, 'p50 ms', 'of the plain list'], lines);
}

function choreographyText(choreography: ChoreographyFigures[]): string {
  const lines = choreography.map(({ atOnce, choreographyMs, orchestrationMs, ratio }) => [
    atOnce,
    rounded(choreographyMs),
    rounded(orchestrationMs),
    `× ${rounded(ratio, 2)}`,
  ]);
  return table(['orders at once', 'by events ms', 'by a state machine ms', 'ratio'], lines);
}

function cacheText({ crowds, killed, ...rates }: CacheFigures): string {
  const reads = table(
    ['catalogue reads/s', 'with the cache', 'without', 'with ÷ without', 'DynamoDB away', 'away ÷ with', 'errors'],
    [
      [
        '',
        rounded(rates.onPerSecond),
        rounded(rates.offPerSecond),
        rounded(rates.onOfOff, 2),
        rounded(rates.awayPerSecond),
        rounded(rates.awayOfOn, 2),
        rates.awayErrors,
      ],
    ],
  );
  const lines = crowds.map(({ situation, readers, statements, answers }) => [
    situation,
    readers,
    statements,
    Object.entries(answers)
      .map(([from, count]) => `${from} ${count}`)
      .join(', '),
  ]);
  const killing = `Killed while it loads: ${killed.loads} load by others, all answered after ${rounded(killed.seconds, 2)} s`;
  return `${reads}\n${table(['a crowd', 'readers', 'SQL statements', 'answers from'], lines)}\n${killing}`;
}

function webhooksText({ alone, beside, ratio }: WebhookFigures): string {
  const lines = Object.entries({ alone, beside }).map(([side, { events, deliveries, p50Ms, p99Ms, missing }]) => [
    side === 'alone' ? 'alone' : 'beside 5 that hang and 5 that answer 500',
    events,
    deliveries,
    rounded(p50Ms),
    rounded(p99Ms),
    missing,
  ]);
  const head = ['40 endpoints', 'events', 'deliveries', 'p50 ms', 'p99 ms', 'missing'];
  return `${table(head, lines)}\np99 beside ÷ alone: ${rounded(ratio, 2)}`;
}

function warehouseText({ orders, first, summaryRatio, growth, loads }: WarehouseFigures): string {
  return [
    `The warehouse of ${orders} orders`,
    ...(first ? [`  first load: ${first.rowsPerSecond} rows a second, ${first.bytesPerOrder} bytes an order`] : []),
    ...(summaryRatio ? [`  a year's daily sales from the summary: 1/${Math.round(1 / summaryRatio)} of the time`] : []),
    ...(growth ?? []).map(({ report, ratio }) => `  ${report}: p50 ${ratio.toFixed(2)} × that of 10,000 orders`),
    ...(loads
      ? [
          `  load after 10,000 orders of a day have changed: ${loads.changedSeconds.toFixed(1)} s, without changes ${loads.idleSeconds.toFixed(1)} s`,
        ]
      : []),
  ].join('\n');
}

function reportsText({ shared, apart, lagSeconds }: ReportFigures): string {
  const line = (where: string, { orders, p50Ratio, p99Ratio }: ReportFigures['shared']) =>
    `  ${where}: p50 ${p50Ratio.toFixed(2)} ×, p99 ${p99Ratio.toFixed(2)} × (${orders} orders)`;
  return [
    'Orders beside a statement that runs away on the reader, against orders alone',
    ...(apart === undefined ? [] : [line('the reader on a processor of its own', apart)]),
    line('processors shared', shared),
    `  the reader’s data were at most ${rounded(lagSeconds, 1)} s old`,
  ].join('\n');
}

function retentionText({ without, with: beside, ratio, moved, longestBatchMs }: RetentionFigures): string {
  const line = (name: string, { orders, p50, p99 }: RetentionFigures['with']) => [
    name,
    orders,
    rounded(p50),
    rounded(p99),
  ];
  const lines = [
    line('without', without),
    line('with', beside),
    ['ratio', '', rounded(ratio.p50, 2), rounded(ratio.p99, 2)],
  ];
  const all = Object.entries(moved).map(([name, count]) => `${name} ${count}`);
  return `${table(['jobs that archive and delete', 'orders', 'p50 ms', 'p99 ms'], lines)}\nThey moved ${all.join(', ')}; the longest batch took ${longestBatchMs} ms.`;
}

function archiveText({ bytes, reads: { liveMs, archivedMs, archivedPageMs } }: ArchiveFigures): string {
  const lines = Object.entries(bytes).map(([kind, { live, archived }]) => [
    kind,
    live,
    archived,
    rounded(live / archived),
  ]);
  const times = (ms: number) => `× ${rounded(ms / liveMs)}`;
  return `${table(['bytes of an order', 'live', 'archived', 'ratio'], lines)}\nAgainst a live order, reading an archived one takes ${times(archivedMs)}, a page of them ${times(archivedPageMs)}.`;
}

function peersText(peers: PeerFigures[]): string {
  const times = (value: number | undefined) => (value === undefined ? '' : `× ${rounded(value, 2)}`);
  const lines = peers.map(({ name, ordersPerSecond, p50Ms, processorMs, rushSeconds, rushEndings, ratios }) => [
    name,
    rounded(ordersPerSecond),
    times(ratios.rate),
    rounded(p50Ms),
    processorMs === undefined ? '' : rounded(processorMs),
    times(ratios.processor),
    rounded(rushSeconds, 2),
    times(ratios.rush),
    Object.entries(rushEndings)
      .map(([ending, count]) => `${ending} ${count}`)
      .join(', '),
  ]);
  const head = ['', 'orders/s', 'ours ÷', 'p50 ms', 'processor ms', 'ours ÷', '500 buyers s', 'ours ÷', 'of which'];
  return table(head, lines);
}

function limiterText(limiter: LimiterFigures[]): string {
  const lines = limiter.map(({ situation, requests, passed, keys, writesPerRequest, busiestShare }) => [
    situation,
    requests,
    passed,
    rounded(writesPerRequest, 3),
    keys,
    `${rounded(100 * busiestShare)} %`,
  ]);
  return table(['a limit', 'requests', 'passed', 'writes a request', 'keys', 'on the busiest'], lines);
}

function functionsText(functions: FunctionFigures[]): string {
  const kilobytes = (bytes: number) => Math.round(bytes / 1024);
  const lines = functions.map((each) => [
    each.name,
    kilobytes(each.bytes),
    kilobytes(each.gzipBytes),
    rounded(each.initMs),
    rounded(each.naiveInitMs),
    rounded(each.initMs / each.naiveInitMs, 2),
    each.contributors.map(({ name, bytes }) => `${name} ${kilobytes(bytes)}`).join(', '),
  ]);
  const head = ['function', 'KB', 'gzip', 'init ms', 'naive', 'ratio', 'largest, KB'];
  return `${table(head, lines)}\nAll HTTP functions: ${rounded(initShareOf(functions), 2)} of the naive time`;
}

function table(head: string[], lines: (string | number)[][]): string {
  const cells = [head, ...lines.map((line) => line.map(String))];
  const widths = head.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  const last = head.length - 1;
  const pad = (cell: string, i: number) => {
    if (i === last) return cell;
    return i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!);
  };
  return cells.map((line) => line.map(pad).join('  ')).join('\n');
}
