import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { analyticsCost, published } from '../cost/analytics.ts';
import budget from '../cost/budget.json' with { type: 'json' };
import { type Cost, costOf, quotasFor, scrapingCost } from '../cost/model.ts';
import { published as ownServers, saving, type Ways } from '../cost/own-servers.ts';
import { prices, pricesAsOf, type Region } from '../cost/prices.ts';
import { type Stage, stageOf } from '../cost/stage.ts';
import { usage } from '../cost/usage.ts';
import { type Profile, profiles } from '../profiles.ts';

const help = `npm run cost -- [--orders-per-day N] [--profile dev|small|prod] [--region ${Object.keys(prices).join('|')}] [--prometheus MINUTES] [--json]
npm run cost -- --table        a month at 100, 1k, 100k and 10M orders a day, with the first quota that is met
npm run cost -- --analytics    a month of reader, warehouse, Athena and Redshift, and a published comparison
npm run cost -- --servers FILE what a year in the cloud saves against own servers; without a FILE two published cases
npm run cost -- --check        ends with 1 when it costs more than infra/cost/budget.json allows

Counts the resources of the stage's templates, and what an order uses as measured by npm run bench -- --part usage, at the list
prices of ${pricesAsOf}. See docs/costs.md.`;

type Print = (line: string) => void;
const volumes = [100, 1000, 100_000, 10_000_000];

/** Runs one command line. @returns the exit code: 0 done, 1 above the budget, 2 invalid command line */
export async function runCost(
  args: string[],
  print: Print,
  count: (profile: Profile['name']) => Stage = stageOf,
): Promise<number> {
  const given = read(args);
  if (typeof given === 'string') {
    print(given);
    return 2;
  }
  if (given.help) {
    print(help);
    return 0;
  }
  if (given.servers !== undefined) return await compare(given.servers, print);
  if (given.check) return check(given.region, count, print);
  const stage = count(given.profile);
  if (given.table) {
    for (const line of tableOf(stage, given.region)) print(line);
    return 0;
  }
  const cost = withScraping(costOf(stage, given.ordersPerDay, usage, prices[given.region]), given);
  if (given.analytics) {
    for (const line of analyticsOf(stage, given.region)) print(line);
    return 0;
  }
  if (given.json) print(JSON.stringify({ ...given, pricesAsOf, usage, stage, ...cost }, null, 2));
  else for (const line of textOf(cost, given)) print(line);
  return 0;
}

/** The same with what is paid when Prometheus reads the metrics. */
function withScraping(cost: Cost, { prometheus: minutes, region }: Pick<Given, 'prometheus' | 'region'>): Cost {
  if (minutes === undefined) return cost;
  const line = scrapingCost(minutes, prices[region]);
  return { ...cost, lines: [...cost.lines, line], idle: cost.idle + line.idle, total: cost.total + line.idle };
}

/** A month by service, the largest share first. */
export function textOf(cost: Cost, { ordersPerDay, profile, region }: Omit<Given, 'servers'>): string[] {
  const share = (line: { idle: number; orders: number }) =>
    `${Math.round(((line.idle + line.orders) / cost.total) * 100)} %`;
  const row = (name: string, idle: number, orders: number, last: string) =>
    `${name.padEnd(42)}${dollars(idle).padStart(11)}${dollars(orders).padStart(11)}${dollars(idle + orders).padStart(11)}${last.padStart(7)}`;
  const lines = cost.lines.toSorted((one, other) => other.idle + other.orders - one.idle - one.orders);
  return [
    `A month of ${profile} in ${region} with ${ordersPerDay.toLocaleString('en')} orders a day, in US dollars`,
    '',
    `${''.padEnd(42)}${'at rest'.padStart(11)}${'orders'.padStart(11)}${'together'.padStart(11)}${'share'.padStart(7)}`,
    ...lines.map((line) => row(line.service, line.idle, line.orders, share(line))),
    row('together', cost.idle, cost.orders, ''),
    '',
    `A thousand orders add ${dollars(cost.perThousand)}. Aurora needs ${Math.ceil(cost.peakAcu * 2) / 2} capacity units at the peak of a day.`,
    `Prices of ${pricesAsOf}, use of an order as measured on ${usage.measuredAt}; without the payment provider, tax and data transfer.`,
  ];
}

/** The table of docs/costs.md. */
export function tableOf(stage: Stage, region: Region): string[] {
  const rows = volumes.map((ordersPerDay) => {
    const cost = costOf(stage, ordersPerDay, usage, prices[region]);
    const met = quotasFor(stage, usage).filter((quota) => quota.ordersPerDay < ordersPerDay);
    const first = met[0] === undefined ? 'none' : `${met[0].name}: ${met[0].change}`;
    return `| ${ordersPerDay.toLocaleString('en')} | ${dollars(cost.total)} | ${dollars((cost.total / ordersPerDay / (365 / 12)) * 1000)} | ${Math.ceil(cost.peakAcu * 2) / 2} | ${first} |`;
  });
  return [
    `| orders a day, ${stage.profile}, ${region} | a month | each 1,000 orders | Aurora at the peak, ACU | first quota that is met |`,
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ];
}

/** The tables of docs/costs.md about reports. */
export function analyticsOf({ minimumAcu }: Stage, region: Region): string[] {
  const of = (ordersPerDay: number) =>
    analyticsCost(ordersPerDay, { minimumAcu, zones: profiles.prod.endpointZones }, usage, prices[region]);
  const rows = [1000, 100_000, 10_000_000].map((ordersPerDay) => {
    const cost = of(ordersPerDay);
    const figures = [cost.reader, cost.warehouse, cost.athena, cost.redshiftByUse, cost.redshiftAlwaysOn].map(dollars);
    return `| ${ordersPerDay.toLocaleString('en')} | ${figures.join(' | ')} | ${cost.hourly ? 'hourly, by a function' : 'nightly, in a container'} |`;
  });
  const { reader, warehouse, athena, redshiftAlwaysOn } = of(1000);
  const year = (month: number) => dollars(month * 12);
  return [
    `| orders a day, ${region} | reader | bucket, loads, endpoint | Athena | Redshift Serverless by use | the same, always on | loads |`,
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    '| a year, 1,000 orders a day | published | here |',
    '| --- | --- | --- |',
    `| a replica | ${year(published.replica)} | ${year(reader)}: the reader |`,
    `| a warehouse and what loads it | ${year(published.warehouse + published.tool)} | ${year(warehouse + athena)}: bucket, loads and Athena |`,
    `| the same with an engine that is always on | | ${year(warehouse + redshiftAlwaysOn)}: Redshift Serverless |`,
  ];
}

function check(region: Region, count: (profile: Profile['name']) => Stage, print: Print): number {
  let broken = 0;
  for (const profile of ['dev', 'staging', 'small', 'prod'] as const) {
    const stage = count(profile);
    const { idle } = costOf(stage, 0, usage, prices[region]);
    // Where there are many orders, because the metrics that traffic creates are paid once.
    const { perThousand } = costOf(stage, 100_000, usage, prices[region]);
    const says = (what: string, cost: number, allowed: number) => {
      if (cost > allowed) broken++;
      print(`${cost > allowed ? '✗' : '✓'} ${profile}: ${what} ${dollars(cost)}, the budget is ${dollars(allowed)}`);
    };
    says('a month at rest costs', idle, budget.idle[profile]);
    says('a thousand orders add', perThousand, budget.perThousandOrders);
  }
  return broken === 0 ? 0 : 1;
}

async function compare(file: string, print: Print): Promise<number> {
  const cases: Record<string, Ways> =
    file === '' ? ownServers : { [file]: JSON.parse(await readFile(file, 'utf8')) as Ways };
  for (const [name, ways] of Object.entries(cases)) {
    const { own, cloud, saved, share } = saving(ways);
    const amount = (value: number) => `${value.toLocaleString('en')} ${ways.currency}`;
    print(
      `${name}: ${amount(own)} a year on own servers, ${amount(cloud)} in the cloud: ${amount(saved)} saved, ${Math.round(share * 100)} %`,
    );
  }
  return 0;
}

const dollars = (value: number): string =>
  value.toLocaleString('en', {
    minimumFractionDigits: value < 10 ? 2 : 0,
    maximumFractionDigits: value < 10 ? 2 : 0,
  });

type Given = {
  ordersPerDay: number;
  profile: Profile['name'];
  region: Region;
  /** How often Prometheus reads the metrics, in minutes; undefined for never. */
  prometheus: number | undefined;
  servers: string | undefined;
  table: boolean;
  analytics: boolean;
  check: boolean;
  json: boolean;
  help: boolean;
};

/** What the command line asks for, or what is wrong with it. */
function read(args: string[]): Given | string {
  try {
    const bare = args.at(-1) === '--servers' ? [...args, ''] : args;
    const { values } = parseArgs({
      args: bare,
      options: {
        'orders-per-day': { type: 'string', default: '1000' },
        profile: { type: 'string', default: 'prod' },
        region: { type: 'string', default: 'eu-west-1' },
        prometheus: { type: 'string' },
        servers: { type: 'string' },
        table: { type: 'boolean', default: false },
        analytics: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const { 'orders-per-day': orders, profile, region, prometheus, servers, ...flags } = values;
    if (!/^\d{1,9}$/.test(orders)) return `--orders-per-day is a whole number, not "${orders}".\n\n${help}`;
    if (prometheus !== undefined && !/^[1-9]\d{0,3}$/.test(prometheus))
      return `--prometheus is a whole number of minutes, not "${prometheus}".\n\n${help}`;
    if (!Object.hasOwn(profiles, profile))
      return `--profile is dev, staging, small or prod, not "${profile}".\n\n${help}`;
    if (!Object.hasOwn(prices, region)) return `There are no prices of "${region}" here.\n\n${help}`;
    return {
      ordersPerDay: Number(orders),
      profile: profile as Profile['name'],
      region: region as Region,
      prometheus: prometheus === undefined ? undefined : Number(prometheus),
      servers,
      ...flags,
    };
  } catch (error) {
    return `${(error as Error).message}\n\n${help}`;
  }
}

if (import.meta.main) process.exitCode = await runCost(process.argv.slice(2), console.log);
