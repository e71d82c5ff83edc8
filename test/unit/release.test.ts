import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { smoke } from '../../infra/release/smoke.ts';
import { runRelease, type World } from '../../infra/tools/release.ts';

/** A world in which commands are noted and those with a word in them fail. */
function pretended({ failing = 'none', environment = {} as Record<string, string>, deployed = true } = {}) {
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
    outputs: (stage) => {
      const profile = stage === 'prod' ? 'prod' : 'dev';
      return deployed ? { [`counterfoil-${profile}-platform`]: { BaseUrl: `https://${stage}.test` } } : undefined;
    },
  };
  return { ran, lines, release: (...args: string[]) => runRelease(args, world, (line) => lines.push(line)) };
}

test('a release checks, shows, deploys what it showed, and proves it: staging by orders, prod by a look', async () => {
  const { ran, release } = pretended({ environment: { COUNTERFOIL_SETTINGS: '{"mailFrom":"a@b.test"}' } });
  expect(await release('--stage', 'staging', '-c', 'release=1.2.3')).toBe(0);
  expect(ran.splice(0)).toEqual([
    'npm test',
    'npx --no-install cdk synth --quiet --output cdk.out/staging -c mailFrom=a@b.test -c release=1.2.3 -c profile=dev',
    'npx --no-install cdk diff --app cdk.out/staging --method template --no-color > cdk.out/staging.diff.txt',
    'npm run --silent preflight -- -c mailFrom=a@b.test -c release=1.2.3 -c profile=dev',
    expect.stringMatching(/ cdk deploy --all --app cdk.out\/staging .*--outputs-file cdk.out\/staging.outputs.json/),
    'npm run --silent test:e2e -- --url https://staging.test',
  ]);
  expect(await release('--stage', 'prod', '--step', 'prove', '--step', 'deploy', '-c', 'release=1.2.3')).toBe(0);
  expect(ran).toEqual([
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
    `/made/v1.2.3: npm run --silent release -- --stage prod ${steps} -c mailFrom=a@b.test -c canary=off`,
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
    '/health': [200, { status: 'ok', version: '1.0.0' }],
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
  answers['/health'] = [200, { status: 'ok', version: '1.1.0' }];
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
