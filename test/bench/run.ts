import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { measureArchive } from './archive.ts';
import {
  brokenByCache,
  brokenByCounts,
  brokenByEvents,
  brokenByFunctions,
  brokenByGrowth,
  brokenByHot,
  brokenByLimiter,
  brokenByPool,
  brokenByReports,
  brokenByRetention,
  brokenBySearch,
  brokenByWarehouse,
  brokenByWebhooks,
} from './budgets.ts';
import { measureCache } from './cache.ts';
import { measureChoreography } from './choreography.ts';
import { measureCompose } from './compose.ts';
import { measureConsole } from './console.ts';
import { countPerOrder } from './counts.ts';
import { measureEvents } from './events.ts';
import { measureFunctions } from './functions.ts';
import { measureGrowth } from './growth.ts';
import { measureHot } from './hot.ts';
import { measureLimiter } from './limiter.ts';
import { measureMemory } from './memory.ts';
import { measurePeers, readAgainst } from './peers.ts';
import { measurePool } from './pool.ts';
import { type Results, toJson } from './report.ts';
import { toText } from './report-text.ts';
import { measureReports } from './reports.ts';
import { measureRetention } from './retention.ts';
import { measureSearch } from './search.ts';
import { measureThroughput } from './throughput.ts';
import { measureUsage, recordUsage } from './usage.ts';
import { measureWarehouse, type WarehouseStep, warehouseSteps } from './warehouse.ts';
import { measureWebhooks } from './webhooks.ts';

const parts = [
  'counts',
  'throughput',
  'hot',
  'limiter',
  'functions',
  'memory',
  'pool',
  'events',
  'compose',
  'choreography',
  'cache',
  'webhooks',
  'search',
  'console',
  'usage',
  'growth',
  'retention',
  'reports',
  'warehouse',
  'peers',
] as const;
/** Growth, retention, search, console and warehouse fill shops, usage is for `npm run cost`, webhooks take half an hour, peers are other products, and the choreography is an example. */
const unusual: readonly string[] = [
  'console',
  'growth',
  'retention',
  'reports',
  'search',
  'usage',
  'warehouse',
  'webhooks',
  'peers',
  'choreography',
];
const usualParts = parts.filter((part) => !unusual.includes(part));
type Part = (typeof parts)[number];

const usage = `npm run bench -- [--short] [--json FILE] [--part ${parts.join('|')}]

  --short      seconds instead of minutes, with the same budgets but that of one hot product
  --json FILE  writes the figures there too
  --record     keeps the figures of usage in infra/cost/usage.json, which npm run cost calculates with
  --part NAME  measures only this, and may be given more than once; all but growth, retention, reports, search, console,
               warehouse, webhooks, peers and choreography by default
  --against URL,COMMAND
               with --part peers: where a peer takes orders, and what starts it; or dbos, or restate. May be given more than once
  --keep FOLDER, --step ${warehouseSteps.join('|')}
               with --part warehouse: keeps the filled shops in a folder, and does only these steps, each after those before it

Ends with 1 when a budget is broken. Figures of one run can be compared with each other, not with another machine's.
`;

const clients = [1, 8, 32];

/** @returns whether every budget is kept */
async function main(): Promise<boolean> {
  const { short, json, record, part, help, against, keep, step } = readArguments();
  if (help) {
    console.log(usage);
    return true;
  }
  const results: Results = {};
  if (part.includes('counts')) {
    say('counting what one order takes');
    results.counts = await countPerOrder(100);
  }
  if (part.includes('throughput')) {
    say('placing orders, and writing their rows for comparison');
    results.throughput = await measureThroughput({
      clients,
      ...(short
        ? { rounds: 1, seconds: 2, limitSeconds: 1, warmUpSeconds: 1 }
        : { rounds: 3, seconds: 5, limitSeconds: 3, warmUpSeconds: 4 }),
      say,
    });
  }
  if (part.includes('hot')) {
    say('placing orders of one hot product, and of a hundred for comparison');
    results.hot = await measureHot({
      clients: [8, 32],
      ...(short ? { rounds: 1, seconds: 2, warmUpSeconds: 1 } : { rounds: 5, seconds: 4, warmUpSeconds: 3 }),
      say,
    });
  }
  if (part.includes('limiter')) {
    say('counting what limits ask of DynamoDB');
    results.limiter = await measureLimiter(short ? 1000 : 5000);
  }
  if (part.includes('functions')) {
    say('bundling and starting functions');
    results.functions = await measureFunctions(short ? { runs: 2, otherRuns: 1 } : { runs: 9, otherRuns: 5 });
  }
  if (part.includes('memory')) {
    say('running the hot functions one at a time');
    results.memory = await measureMemory(short ? 20 : 150);
  }
  if (part.includes('pool')) {
    say('reading over reused and over fresh connections, and with more requests than can wait');
    results.pool = await measurePool({
      clients: 8,
      crowd: 3000,
      ...(short ? { rounds: 1, seconds: 2 } : { rounds: 3, seconds: 4 }),
      say,
    });
  }
  if (part.includes('events')) {
    say('sending the events of steady orders to receivers of webhooks');
    results.events = await measureEvents({ ordersPerSecond: short ? 20 : 50, seconds: short ? 3 : 10, say });
  }
  if (part.includes('compose')) {
    say('reading an order with its customer and products, in several ways');
    results.compose = await measureCompose({ lines: 10, turns: short ? 40 : 300, say });
  }
  if (part.includes('choreography')) {
    say('leading orders by events and by a state machine');
    results.choreography = await measureChoreography({ atOnce: [1, 8], turns: short ? 20 : 100, say });
  }
  if (part.includes('cache')) {
    say('reading the catalogue with the cache and without it');
    results.cache = await measureCache({ ...(short ? { rounds: 1, seconds: 1 } : { rounds: 5, seconds: 3 }), say });
  }
  if (part.includes('webhooks')) {
    say('sending webhooks to forty endpoints, in turns with and without ten that take nothing');
    results.webhooks = await measureWebhooks({
      ...(short
        ? { rounds: 4, eventsInRound: 60, eventsPerSecond: 5 }
        : { rounds: 20, eventsInRound: 500, eventsPerSecond: 10 }),
      say,
    });
  }
  if (part.includes('search')) {
    say('searching a large catalogue');
    results.search = await measureSearch({ products: 100_000, turns: short ? 30 : 200, say });
  }
  if (part.includes('console')) {
    say('opening the console in Chromium');
    results.console = await measureConsole({ orders: 10_000, events: 500, rounds: short ? 2 : 9, say });
  }
  if (part.includes('usage')) {
    say('counting what an order uses of everything that AWS bills');
    results.usage = await measureUsage(short ? 100 : 500);
    if (record) await recordUsage(results.usage);
  }
  if (part.includes('growth')) {
    say('asking shops of several sizes');
    results.growth = await measureGrowth({
      ...(short ? { sizes: [10_000, 100_000], requests: 20 } : { sizes: [10_000, 100_000, 1_000_000], requests: 100 }),
      say,
    });
  }
  if (part.includes('retention')) {
    say('placing orders, with and without jobs that archive and delete');
    results.retention = await measureRetention({
      ...(short
        ? { orders: 10_000, ordersPerSecond: 10, rounds: 2, seconds: 4 }
        : { orders: 100_000, ordersPerSecond: 15, rounds: 6, seconds: 10 }),
      say,
    });
    say('archiving a whole shop');
    results.archive = await measureArchive(short ? 10_000 : 100_000);
  }
  if (part.includes('reports')) {
    say('placing orders, alone and beside a report that runs away');
    results.reports = await measureReports({
      ...(short ? { rounds: 2, seconds: 4 } : { rounds: 12, seconds: 3 }),
      say,
    });
  }
  if (part.includes('warehouse')) {
    say('loading a large warehouse, and asking it');
    results.warehouse = await measureWarehouse({
      ...(short ? { orders: 100_000, turns: 7 } : { orders: 1_000_000, turns: 41 }),
      steps: step,
      keep,
      say,
    });
  }
  if (part.includes('peers')) {
    say('placing orders here and at peers, turn by turn');
    results.peers = await measurePeers({
      against: against.map(readAgainst),
      clients: 8,
      ...(short ? { rounds: 1, seconds: 3, warmUpSeconds: 2 } : { rounds: 3, seconds: 8, warmUpSeconds: 20 }),
      say,
    });
  }
  console.log(`\n${toText(results)}\n`);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(toJson(results), null, 2)}\n`);

  const broken = [
    ...(results.counts === undefined ? [] : brokenByCounts(results.counts)),
    ...(results.functions === undefined ? [] : brokenByFunctions(results.functions)),
    ...(results.limiter === undefined ? [] : brokenByLimiter(results.limiter)),
    ...(results.pool === undefined ? [] : brokenByPool(results.pool)),
    ...(results.events === undefined ? [] : brokenByEvents(results.events)),
    ...(results.cache === undefined ? [] : brokenByCache(results.cache)),
    ...(results.webhooks === undefined ? [] : brokenByWebhooks(results.webhooks)),
    ...(results.search === undefined ? [] : brokenBySearch(results.search)),
    // A single short turn says too little to be held against a budget.
    ...(results.hot === undefined || short ? [] : brokenByHot(results.hot)),
    ...(results.retention === undefined || short ? [] : brokenByRetention(results.retention)),
    ...(results.growth === undefined || short ? [] : brokenByGrowth(results.growth)),
    ...(results.reports === undefined || short ? [] : brokenByReports(results.reports)),
    ...(results.warehouse === undefined || short ? [] : brokenByWarehouse(results.warehouse)),
  ];
  for (const sentence of broken) console.error(sentence);
  if (broken.length === 0) console.log('Every budget is kept.');
  return broken.length === 0;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      json: { type: 'string' },
      record: { type: 'boolean', default: false },
      part: { type: 'string', multiple: true, default: [...usualParts] },
      against: { type: 'string', multiple: true, default: [] },
      keep: { type: 'string' },
      step: { type: 'string', multiple: true, default: [...warehouseSteps] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const unknown = values.part.find((name) => !parts.includes(name as Part));
  if (unknown !== undefined) throw new Error(`There is no part ${unknown}.\n\n${usage}`);
  const noStep = values.step.find((name) => !warehouseSteps.includes(name as WarehouseStep));
  if (noStep !== undefined) throw new Error(`There is no step ${noStep}.\n\n${usage}`);
  values.against.forEach(readAgainst);
  if (values.part.includes('peers') && values.against.length === 0) {
    throw new Error(`--part peers needs --against.\n\n${usage}`);
  }
  return { ...values, step: values.step as WarehouseStep[] };
}

const say = (line: string): void => console.log(`· ${line}`);

main().then(
  (kept) => process.exit(kept ? 0 : 1),
  (error: unknown) => {
    console.error(process.env.DEBUG === undefined && error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
