import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Budgets, readBudgets, whyWait } from '../../infra/release/budget.ts';
import { smoke } from '../../infra/release/smoke.ts';
import { runRelease, type World } from '../../infra/tools/release.ts';

/** A world in which commands are noted and those with a word in them fail. */
const whole: Budgets = { spent: [{ objective: 'orders-availability', requests: 9000, misses: 4 }], burning: false };

function pretended({
  failing = 'none',
  environment = {} as Record<string, string>,
  deployed = true,
  budgets = whole,
  named = undefined as string | undefined,
} = {}) {
  const ran: string[] = [];
  const lines: string[] = [];
  const world: World = {
    environment: { COUNTERFOIL_APP_KEY: 'key', ...environment },
    async run(command, { output, folder } = {}) {
      const at = folder === undefined ? [] : [`${folder}:`];
      ran.push([...at, ...command, ...(output === undefined ? [] : ['>', output])].join(' '));
      return ran.at(-1)!.includes(failing) ? 3 : 0;
    },
    async smoke(url, release) {
      ran.push(`smoke ${url} ${release}`);
      return failing === 'smoke' ? ['/health answers 503'] : [];
    },
    async checkOut(ref) {
      if (ref === failing) throw new Error(`${ref} cannot be checked out`);
      return { folder: `/made/${ref}`, remove: async () => void ran.push(`removed ${ref}`) };
    },
    async budgets(stage) {
      ran.push(`budgets of ${stage}`);
      return budgets;
    },
    outputs: (stage) =>
      deployed ? { [`counterfoil-${named ?? stage}-platform`]: { BaseUrl: `https://${stage}.test` } } : undefined,
  };
  return { ran, lines, release: (...args: string[]) => runRelease(args, world, (line) => lines.push(line)) };
}

test('a release checks, shows, deploys what it showed, and proves it: staging by orders, prod by a look', async () => {
  const { ran, release } = pretended({ environment: { COUNTERFOIL_SETTINGS: '{"mailFrom":"a@b.test"}' } });
  expect(await release('--stage', 'staging', '-c', 'release=1.2.3')).toBe(0);
  expect(ran.splice(0)).toEqual([
    'npm test',
    'npx --no-install cdk synth --quiet --output cdk.out/staging -c mailFrom=a@b.test -c release=1.2.3 -c profile=staging',
    'npx --no-install cdk diff --app cdk.out/staging --method template --no-color > cdk.out/staging.diff.txt',
    'npm run --silent preflight -- -c mailFrom=a@b.test -c release=1.2.3 -c profile=staging',
    expect.stringMatching(/ cdk deploy --all --app cdk.out\/staging .*--outputs-file cdk.out\/staging.outputs.json/),
    'npm run --silent test:e2e -- --url https://staging.test',
  ]);
  const steps = ['--step', 'prove', '--step', 'deploy', '--step', 'budget'];
  expect(await release('--stage', 'prod', ...steps, '-c', 'release=1.2.3')).toBe(0);
  expect(ran).toEqual([
    'budgets of prod',
    expect.stringContaining('cdk deploy --all --app cdk.out/prod'),
    'smoke https://prod.test 1.2.3',
  ]);
});

test('the first step that fails ends it, and says what is deployed by then', async () => {
  const { ran, lines, release } = pretended({ failing: 'cdk diff' });
  expect(await release('--stage', 'prod')).toBe(1);
  expect(ran.at(-1)).toContain('cdk diff');
  expect(lines.at(-1)).toMatch(/^prod stopped at diff\. Nothing is deployed\./);
  const smoked = pretended({ failing: 'smoke' });
  expect(await smoked.release('--stage', 'prod')).toBe(1);
  expect(smoked.lines.slice(-2)).toEqual(['/health answers 503', expect.stringContaining('rolling-back')]);
});

test('going back runs the release of a tag by its own tool, with the settings of the stage, and leaves no folder', async () => {
  const { ran, release } = pretended({ environment: { COUNTERFOIL_SETTINGS: '{"mailFrom":"a@b.test"}' } });
  expect(await release('--stage', 'prod', '--to', 'v1.2.3', '-c', 'canary=off')).toBe(0);
  const steps = '--step synth --step diff --step deploy --step prove';
  expect(ran.splice(0)).toEqual([
    `/made/v1.2.3: npm run --silent release -- --stage prod ${steps} -c mailFrom=a@b.test -c canary=off -c newerSettings=ignored`,
    'removed v1.2.3',
  ]);
  const broken = pretended({ failing: '--step deploy' });
  expect(await broken.release('--stage', 'prod', '--to', 'v1.2.3', '--step', 'deploy')).toBe(3);
  expect(broken.ran.at(-1)).toBe('removed v1.2.3');
  const unknown = pretended({ failing: 'v9' });
  expect(await unknown.release('--stage', 'prod', '--to', 'v9')).toBe(1);
  expect(unknown.lines).toEqual(['v9 cannot be checked out\nprod is as it was.']);
  expect(await release('--stage', 'prod', '--to', '--force')).toBe(2);
});

describe('an error budget', () => {
  const spent = (misses: number) => ({
    ...whole,
    spent: [
      { objective: 'orders-latency' as const, requests: 9000, misses: 0 },
      { objective: 'reads-availability' as const, requests: 20_000, misses },
    ],
  });
  const steps = ['--stage', 'prod', '--step', 'budget', '--step', 'deploy'];

  test('that is left lets a release go out, and is shown', async () => {
    const { ran, lines, release } = pretended({ budgets: spent(15) });
    expect(await release(...steps)).toBe(0);
    expect(lines).toContain('reads-availability: 25 % of the error budget of 30 days is left');
    expect(ran.at(-1)).toContain('cdk deploy');
  });

  test('that a few misses of a new stage have used up holds nothing back', async () => {
    const few = (misses: number): Budgets => ({
      ...whole,
      spent: [{ objective: 'reads-latency', requests: 12, misses }],
    });
    const { ran, lines, release } = pretended({ budgets: few(9) });
    expect(await release(...steps)).toBe(0);
    expect(lines).toContain('reads-latency: 9 of 12 requests missed it in 30 days, too few to hold a release back');
    expect(ran.at(-1)).toContain('cdk deploy');
    expect(await pretended({ budgets: few(10) }).release(...steps)).toBe(1);
  });

  test.each([
    [
      'is used up',
      spent(20),
      'The error budget of reads-availability is used up: 20 of 20000 requests missed it in 30 days.',
    ],
    ['burns', { ...whole, burning: true }, 'An error budget burns now: the alarm objectives-burning rings.'],
  ])('that %s stops a release before it deploys anything', async (_, budgets, reason) => {
    const { ran, lines, release } = pretended({ budgets });
    expect(await release(...steps)).toBe(1);
    expect(ran).toEqual(['budgets of prod']);
    expect(lines).toContain(reason);
    expect(lines.at(-1)).toMatch(/^prod stopped at budget\. Nothing is deployed\./);
    expect(await release(...steps, '--despite-budget', ' ')).toBe(2);
    expect(await release(...steps, '--despite-budget', 'it mends the reads')).toBe(0);
    expect(lines).toContain('It goes out nevertheless: it mends the reads');
    expect(ran.at(-1)).toContain('cdk deploy');
    const asked = pretended({ budgets, environment: { COUNTERFOIL_DESPITE_BUDGET: 'agreed with the duty' } });
    expect(await asked.release(...steps)).toBe(0);
  });

  test('is read of its own stage, from what its objective counts, page after page', async () => {
    const asked: unknown[] = [];
    const client = {
      async send(command: { input: object }) {
        asked.push(command.input);
        if (!(command instanceof GetMetricDataCommand))
          return { CompositeAlarms: [{ AlarmName: 'counterfoil-prod-objectives-burning', StateValue: 'ALARM' }] };
        const { MetricDataQueries = [], NextToken } = command.input;
        const values = (name: string, of: string) =>
          MetricDataQueries.flatMap(({ Id, MetricStat }) => {
            const { MetricName, Dimensions = [] } = MetricStat!.Metric!;
            const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
            expect(dimensions).toMatchObject({ service: 'counterfoil', stage: 'prod' });
            return MetricName === name && Object.values(dimensions).includes(of) ? [{ Id, Values: [400, 100] }] : [];
          });
        return NextToken === undefined
          ? { MetricDataResults: values('Requests', 'list-orders'), NextToken: 'more' }
          : {
              MetricDataResults: [...values('Requests', 'get-product'), ...values('ObjectiveMisses', 'reads-latency')],
            };
      },
    } as unknown as CloudWatchClient;
    const budgets = await readBudgets('prod', client, new Date('2031-02-01T00:00:00Z'));
    expect(budgets.spent).toEqual([
      { objective: 'orders-availability', requests: 0, misses: 0 },
      { objective: 'orders-latency', requests: 0, misses: 0 },
      { objective: 'reads-availability', requests: 1000, misses: 0 },
      { objective: 'reads-latency', requests: 1000, misses: 500 },
    ]);
    expect(whyWait(budgets)).toHaveLength(2);
    expect(asked[0]).toMatchObject({ StartTime: new Date('2031-01-02T00:00:00Z') });
    expect(asked.at(-1)).toMatchObject({ AlarmNames: ['counterfoil-prod-objectives-burning'] });
  });
});

test('nothing is proven without an address, nor by orders without a key', async () => {
  const unknown = pretended({ deployed: false });
  expect(await unknown.release('--stage', 'prod', '--step', 'prove')).toBe(1);
  expect(unknown.ran).toEqual([]);
  expect(await unknown.release('--stage', 'prod', '--step', 'prove', '--url', 'https://x.test/')).toBe(0);
  expect(unknown.ran[0]).toContain('smoke https://x.test ');
  const keyless = pretended({ environment: { COUNTERFOIL_APP_KEY: '' } });
  expect(await keyless.release('--stage', 'staging', '--step', 'prove')).toBe(1);
  expect(keyless.ran).toEqual([]);
});

test.each([
  [[], '{}', '--stage is staging or prod.'],
  [['--stage', 'dev'], '{}', '--stage is staging or prod.'],
  [['--stage', 'prod', '--step', 'pray'], '{}', '--step pray does not exist.'],
  [['--stage', 'prod', '-c', 'profile=dev'], '{}', 'The stage decides the profile'],
  [['--stage', 'prod', '-c', 'x'], '{}', '-c x is not name=value.'],
  [['--stage', 'prod'], '["a"]', 'COUNTERFOIL_SETTINGS is not a JSON object'],
  [['--stage', 'prod'], '{"a":1}', 'COUNTERFOIL_SETTINGS is not a JSON object'],
  [['--stage', 'prod'], 'a=b', 'COUNTERFOIL_SETTINGS is not a JSON object'],
])('%j with settings %s runs nothing', async (args, settings, message) => {
  const { ran, lines, release } = pretended({ environment: { COUNTERFOIL_SETTINGS: settings } });
  expect(await release(...args)).toBe(2);
  expect(lines[0]).toContain(message);
  expect(ran).toEqual([]);
});

test('the look at prod wants health, the release, the document, and a refusal without credentials', async () => {
  const answers: Record<string, [number, object]> = {
    '/health': [200, { status: 'up', version: '1.0.0' }],
    '/openapi.json': [200, {}],
    '/orders': [401, {}],
  };
  const server = createServer(({ url }, response) => {
    const [status, body] = answers[url!]!;
    response.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => server.close(resolve));
  onTestFinished(() => void close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await smoke(url, '1.0.0', 0)).toEqual([]);
  expect(await smoke(url, '1.1.0', 0)).toEqual(['/health is of release 1.0.0, not 1.1.0']);
  const waited = smoke(url, '1.1.0', 60_000);
  answers['/health'] = [200, { status: 'up', version: '1.1.0' }];
  expect(await waited).toEqual([]);
  answers['/health'] = [503, { status: 'down', version: '1.1.0' }];
  answers['/orders'] = [200, {}];
  expect(await smoke(url, '1.1.0', 0)).toEqual([
    expect.stringContaining('/health answers 503'),
    '/orders without credentials answers 200, not 401',
  ]);
  await close();
  expect((await smoke(url, '1.1.0', 0))[0]).toContain('/health answers 0');
});

test('a stage with a name of its own is found by it: its address, and its error budgets', async () => {
  const { ran, release } = pretended({ named: 'tea', environment: { COUNTERFOIL_SETTINGS: '{"stage":"tea"}' } });
  expect(await release('--stage', 'prod', '--step', 'budget', '--step', 'prove', '-c', 'release=1.2.3')).toBe(0);
  expect(ran).toEqual(['budgets of tea', 'smoke https://prod.test 1.2.3']);
});
