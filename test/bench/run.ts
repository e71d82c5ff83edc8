import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { brokenByCounts, brokenByFunctions, brokenByGrowth, brokenByHot, brokenByLimiter } from './budgets.ts';
import { countPerOrder } from './counts.ts';
import { measureFunctions } from './functions.ts';
import { measureGrowth } from './growth.ts';
import { measureHot } from './hot.ts';
import { measureLimiter } from './limiter.ts';
import { type Results, toJson, toText } from './report.ts';
import { measureThroughput } from './throughput.ts';

const parts = ['counts', 'throughput', 'hot', 'limiter', 'functions', 'growth'] as const;
/** Not growth, which fills shops for minutes. */
const usualParts = parts.filter((part) => part !== 'growth');
type Part = (typeof parts)[number];

const usage = `npm run bench -- [--short] [--json FILE] [--part ${parts.join('|')}]

  --short      seconds instead of minutes, with the same budgets but that of one hot product
  --json FILE  writes the figures there too
  --part NAME  measures only this, and may be given more than once; all but growth by default

Ends with 1 when a budget is broken. Figures of one run can be compared with each other, not with another machine's.
`;

const clients = [1, 8, 32];

/** @returns whether every budget is kept */
async function main(): Promise<boolean> {
  const { short, json, part, help } = readArguments();
  if (help) {
    console.log(usage);
    return true;
  }
  const results: Results = {};
  if (part.includes('counts')) {
    say('counting what one order takes');
    results.counts = await countPerOrder(short ? 20 : 40);
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
    results.functions = await measureFunctions(short ? { runs: 5, otherRuns: 1 } : { runs: 9, otherRuns: 5 });
  }
  if (part.includes('growth')) {
    say('asking shops of several sizes');
    results.growth = await measureGrowth({
      ...(short ? { sizes: [10_000, 100_000], requests: 20 } : { sizes: [10_000, 100_000, 1_000_000], requests: 100 }),
      say,
    });
  }
  console.log(`\n${toText(results)}\n`);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(toJson(results), null, 2)}\n`);

  const broken = [
    ...(results.counts === undefined ? [] : brokenByCounts(results.counts)),
    ...(results.functions === undefined ? [] : brokenByFunctions(results.functions)),
    ...(results.limiter === undefined ? [] : brokenByLimiter(results.limiter)),
    // A single short turn says too little to be held against a budget.
    ...(results.hot === undefined || short ? [] : brokenByHot(results.hot)),
    ...(results.growth === undefined || short ? [] : brokenByGrowth(results.growth)),
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
      part: { type: 'string', multiple: true, default: [...usualParts] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const unknown = values.part.find((name) => !parts.includes(name as Part));
  if (unknown !== undefined) throw new Error(`There is no part ${unknown}.\n\n${usage}`);
  return values;
}

const say = (line: string): void => console.log(`· ${line}`);

main().then(
  (kept) => process.exit(kept ? 0 : 1),
  (error: unknown) => {
    console.error(process.env.DEBUG === undefined && error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
