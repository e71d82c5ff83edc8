import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costOf, quotasFor } from '../../infra/cost/model.ts';
import { published, saving } from '../../infra/cost/own-servers.ts';
import { prices, pricesAsOf, type Region } from '../../infra/cost/prices.ts';
import type { Stage } from '../../infra/cost/stage.ts';
import { usage } from '../../infra/cost/usage.ts';
import { runCost } from '../../infra/tools/cost.ts';

const stage: Stage = {
  profile: 'prod',
  minimumAcu: 2,
  proxy: true,
  awakeHours: 0,
  reportsHourly: 1,
  maximumAcu: 32,
  instances: 2,
  endpointZones: 9,
  alarmMetrics: 120,
  dashboards: 1,
  keys: 1,
  secrets: 0,
  jobRuns: 200_000,
  logDays: 365,
};
const ireland = prices['eu-west-1'];
const page = readFileSync(new URL('../../docs/costs.md', import.meta.url), 'utf8');

const run = async (args: string[], count = () => stage) => {
  const lines: string[] = [];
  return { code: await runCost(args, (line) => lines.push(line), count), text: lines.join('\n') };
};

test('a stage at rest costs what its capacity, proxy, endpoints, alarms and key cost, by hand', () => {
  const { lines, idle, orders } = costOf(stage, 0, usage, ireland);
  const of = (service: string) => lines.find((line) => line.service === service)!.idle;
  expect(of('Aurora: capacity')).toBeCloseTo(2 * 2 * 730 * 0.14);
  expect(of('RDS Proxy')).toBeCloseTo(8 * 730 * 0.0163);
  expect(of('Interface endpoints')).toBeCloseTo(9 * 730 * 0.011);
  expect(of('CloudWatch: alarms, metrics, dashboards')).toBeCloseTo(120 * 0.1 + 3 + 40 * 0.3);
  expect(of('Keys and secrets')).toBe(1);
  expect(orders).toBe(0);
  expect(idle).toBeCloseTo(lines.reduce((sum, line) => sum + line.idle, 0));
});

test('orders cost what they use: a thousand transitions more cost their price', () => {
  const more = { ...usage, transitions: usage.transitions + 1 };
  const [before, after] = [usage, more].map((each) => costOf(stage, 1000, each, ireland).perThousand);
  expect(after! - before!).toBeCloseTo(0.025);
});

test('more orders never cost less, in any region, and the shares add up', () => {
  const regions = Object.keys(prices) as Region[];
  const volume = fc.integer({ min: 0, max: 50_000_000 });
  fc.assert(
    fc.property(volume, volume, fc.constantFrom(...regions), (one, other, region) => {
      const [few, many] = [Math.min(one, other), Math.max(one, other)].map((each) =>
        costOf(stage, each, usage, prices[region]),
      );
      expect(many!.total).toBeGreaterThanOrEqual(few!.total);
      expect(many!.lines.reduce((sum, line) => sum + line.idle + line.orders, 0)).toBeCloseTo(many!.total, 4);
    }),
  );
});

test('Aurora grows with what the database has to do, from its minimum on', () => {
  expect(costOf(stage, 1000, usage, ireland).peakAcu).toBe(2);
  const busy = costOf(stage, 10_000_000, { ...usage, databaseMs: 10 }, ireland);
  // 116 orders a second, five times that at the peak, 10 ms each: 5.8 processors of 0.25 an ACU, filled to 60 %.
  expect(busy.peakAcu).toBeCloseTo(38.6, 1);
});

test('quotas come in the order in which a growing shop meets them', () => {
  const met = quotasFor(stage, { ...usage, gbSeconds: 0.5, transitions: 4, databaseMs: 10 });
  expect(met.map(({ ordersPerDay }) => ordersPerDay)).toEqual(
    met.map((each) => each.ordersPerDay).toSorted((a, b) => a - b),
  );
  // 10 runs at once, half a second for an order: 20 a second at the peak, a fifth of that on average.
  expect(met[0]).toMatchObject({ name: expect.stringContaining('new account'), ordersPerDay: 345_600 });
});

test('the published comparisons come out of their own items', () => {
  expect(saving(published.manufacturer)).toMatchObject({ own: 1_100_000, cloud: 450_000, saved: 650_000 });
  expect(Math.round(saving(published.manufacturer).share * 100)).toBe(59);
  expect(saving(published.company).share).toBe(0.5);
});

test('a stage above its budget ends with 1 and says by how much', async () => {
  expect((await run(['--check'])).code).toBe(1);
  expect((await run(['--check'])).text).toMatch(/✗ dev: a month at rest costs \d+, the budget is 215/);
  const small = {
    ...stage,
    instances: 1,
    minimumAcu: 0,
    proxy: false,
    endpointZones: 2,
    alarmMetrics: 10,
    dashboards: 0,
    keys: 0,
    jobRuns: 0,
    reportsHourly: 0.1,
  };
  expect(await run(['--check'], () => small)).toMatchObject({ code: 0 });
});

test('a month is shown by service with the largest share first, and as JSON', async () => {
  const { code, text } = await run(['--orders-per-day', '1000', '--region', 'us-east-1']);
  expect(code).toBe(0);
  expect(text).toMatch(/A month of prod in us-east-1 with 1,000 orders a day/);
  const shares = [...text.matchAll(/(\d+) %$/gm)].map(([, share]) => Number(share));
  expect(shares).toEqual(shares.toSorted((a, b) => b - a));
  expect(JSON.parse((await run(['--json'])).text)).toMatchObject({
    ordersPerDay: 1000,
    stage,
    perThousand: expect.any(Number),
  });
});

test('the page has the tables of reports and the warehouse as they are printed', async () => {
  const { text } = await run(['--analytics']);
  for (const table of text.split('\n\n')) expect(page).toContain(table);
});

test('the page says of which date the prices are', () => {
  expect(page).toContain(`of ${pricesAsOf}, entered by hand`);
});

test('what Prometheus reads is a line of its own, the dearer the more often it reads', async () => {
  const lineOf = async (minutes: string) => {
    const { lines, total, idle } = JSON.parse((await run(['--json', '--prometheus', minutes])).text);
    const line = lines.find(({ service }: { service: string }) => service.includes('Prometheus'));
    return { line, total, idle };
  };
  const [often, seldom] = [await lineOf('1'), await lineOf('5')];
  // 120 metrics, a quarter of them twice, each minute of 730 hours.
  expect(often.line.idle).toBeCloseTo(((150 * 43_800) / 1000) * 0.01);
  expect(often.line.idle).toBeCloseTo(5 * seldom.line.idle);
  expect(often.total - seldom.total).toBeCloseTo(often.line.idle - seldom.line.idle);
});

test.each([
  [['--prometheus', '0'], 'is a whole number of minutes'],
  [['--orders-per-day', 'many'], 'is a whole number'],
  [['--profile', 'huge'], 'is dev, staging, small or prod'],
  [['--region', 'mars-1'], 'There are no prices of "mars-1"'],
  [['--what'], 'Unknown option'],
])('%j is refused with what is possible', async (args, why) => {
  expect(await run(args)).toMatchObject({ code: 2, text: expect.stringContaining(why) });
});
