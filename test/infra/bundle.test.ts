import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bundle, BundleError, bundleHandler, bundleHandlers } from '../../infra/bundle/bundle.ts';
import { naiveOptions, root } from '../../infra/bundle/options.ts';
import { handlerSources } from '../../infra/handlers.ts';
import { machineVariables } from '../support/definitions.ts';

/** Every AWS client that handlers use, as they use them. */
const clients = `
  import { dynamo } from '${root}/lib/platform/dynamo.ts';
  import { sqlAs } from '${root}/lib/platform/sql.ts';
  import { states } from '${root}/lib/platform/step-functions.ts';
  export const handler = () => [dynamo(), sqlAs('saga'), states()].length;
  export const withoutCredentials = async () => {
    const { SFNClient, ListStateMachinesCommand } = await import('${root}/node_modules/@aws-sdk/client-sfn/dist-es/index.js');
    await new SFNClient({ region: 'eu-west-1' }).send(new ListStateMachinesCommand({}));
  };`;

let work: string;
let file: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'counterfoil-bundle-test-'));
  file = join(work, 'clients.ts');
  writeFileSync(file, clients);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const environment = { PATH: process.env.PATH, AWS_REGION: 'eu-west-1', DATABASE_HOST: 'db.example.com' };
const inNode = (module: string, expression: string) =>
  spawnSync(
    process.execPath,
    ['--input-type=module', '-e', `const handler = await import('${module}'); ${expression}; process.exit()`],
    {
      encoding: 'utf8',
      env: environment,
    },
  );

test('a handler’s bundle starts by itself, with every client it makes', async () => {
  const bundle = (await bundleHandlers({ 'x/clients': file }, work)).get('x/clients')!;
  const { stdout, stderr } = inNode(`${bundle.directory}/index.mjs`, 'console.log(handler.handler())');
  expect(stderr).toBe('');
  expect(stdout).toBe('3\n');
  expect(bundle.bytes).toBe(readFileSync(join(bundle.directory, 'index.mjs')).length);
});

test('the default credential chain is not in it, and says so when it is called upon', async () => {
  const bundle = (await bundleHandlers({ 'x/chain': file }, work)).get('x/chain')!;
  const inputs = Object.values(bundle.metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  expect(inputs.some((input) => input.includes('infra/bundle/stand-ins.ts'))).toBe(true);
  for (const cut of ['credential-provider-', 'nested-clients', 'token-providers', 'credential-providers']) {
    expect(inputs.filter((input) => input.includes(`node_modules/@aws-sdk/${cut}`))).toEqual([]);
  }
  const { stdout } = inNode(
    `${bundle.directory}/index.mjs`,
    'await handler.withoutCredentials().catch((error) => console.log(error.message))',
  );
  expect(stdout).toContain('pass credentials to the client');
});

test('starting it loads none of fetch, and none of the event streams that no handler has', async () => {
  const bundle = (await bundleHandlers({ 'x/lean': file }, work)).get('x/lean')!;
  const inputs = Object.values(bundle.metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  expect(inputs.filter((input) => input.includes('submodules/event-streams/'))).toEqual([]);
  const { stdout } = inNode(
    `${bundle.directory}/index.mjs`,
    `console.log(process.moduleLoadList.filter((name) => /undici/.test(name)).length)`,
  );
  expect(stdout).toBe('0\n');
});

test('it is less than half of what the tools make of the same handler when told nothing', async () => {
  const ours = (await bundleHandlers({ 'x/size': file }, join(work, 'ours'))).get('x/size')!;
  const naive = (await bundleHandlers({ 'x/size': file }, join(work, 'naive'), naiveOptions())).get('x/size')!;
  expect(ours.bytes).toBeLessThan(naive.bytes / 2);
});

test('every handler that is deployed starts on Lambda and has a handler', async () => {
  const bundles = await bundleHandlers(handlerSources(), join(work, 'all'));
  expect([...bundles.keys()].toSorted()).toEqual(Object.keys(handlerSources()).toSorted());
  const replaced = /node_modules\/@aws-sdk\/(client-(dynamodb|sfn|eventbridge)|lib-dynamodb)\//;
  const withSdk = [...bundles].filter(([, { metafile }]) =>
    Object.values(metafile.outputs).some(({ inputs }) => Object.keys(inputs).some((input) => replaced.test(input))),
  );
  expect(withSdk.map(([handler]) => handler)).toEqual([]);
  const unused = /Sha256Js|node_modules\/postgres\/src\/subscribe/;
  const inputsOf = ({ metafile }: Bundle) =>
    Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  expect([...bundles].filter(([, bundle]) => inputsOf(bundle).some((input) => unused.test(input)))).toEqual([]);
  const script = [...bundles].map(
    ([handler, { directory }]) =>
      `await import('${directory}/index.mjs').then(({ handler }) => console.log('${handler}', typeof handler), (error) => console.log('${handler}', error));`,
  );
  const { stdout } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', `${script.join('\n')}; process.exit()`],
    {
      encoding: 'utf8',
      env: {
        ...environment,
        AWS_LAMBDA_FUNCTION_NAME: 'handler',
        ...machineVariables,
      },
    },
  );
  expect(stdout.trim().split('\n').toSorted()).toEqual(
    [...bundles.keys()].map((handler) => `${handler} function`).toSorted(),
  );
});

test('the docs handler carries the page, and not what renders it', async () => {
  const { directory, metafile } = await bundleHandler('http/get-docs', work);
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  expect(inputs.filter((input) => /lib\/contract\/(docs|api\/assets)\//.test(input))).toEqual([
    'lib/contract/docs/page.static.ts',
  ]);
  const { packedPage } = await import('../../lib/contract/docs/page.static.ts');
  const page = gunzipSync(Buffer.from(packedPage, 'base64'));
  const digest = `await import('node:crypto').then(async ({ hash }) => console.log(hash('sha256', (await handler.run()).body.text)))`;
  expect(inNode(`${directory}/index.mjs`, digest).stdout).toBe(`${hash('sha256', page)}\n`);
});

test('the migrate handler carries the migrations beside it', async () => {
  const { directory } = await bundleHandler('jobs/migrate', work);
  const shipped = readdirSync(join(root, 'lib/database/migrations'));
  expect(readdirSync(join(directory, 'migrations')).toSorted()).toEqual(shipped.toSorted());
});

test('the same source makes the same bytes, and its source map stays out of the package', async () => {
  const [first, second] = await Promise.all(
    ['a', 'b'].map((name) => bundleHandler('jobs/watch-orders', join(work, name))),
  );
  const bytes = ({ directory }: { directory: string }) => readFileSync(join(directory, 'index.mjs'));
  expect(bytes(first!).equals(bytes(second!))).toBe(true);
  expect(readdirSync(first!.directory)).toEqual(['index.mjs']);
  expect(readdirSync(join(work, 'a/maps/jobs/watch-orders'))).toEqual(['index.mjs.map']);
});

test('a handler that cannot be bundled is named', async () => {
  const failure = bundleHandler('http/no-such-handler', work);
  await expect(failure).rejects.toThrow(BundleError);
  await expect(failure).rejects.toThrow('functions/http/no-such-handler.ts');
});
