import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bundleHandlers } from '../../infra/bundle/bundle.ts';
import { releaseOf, runner } from '../../infra/constructs/migrations.ts';
import { type DeployEvent, type Deps, run } from '../../infra/deploy/run-migrations.ts';

const event = (also: Partial<DeployEvent>): DeployEvent => ({
  RequestType: 'Create',
  ResponseURL: 'https://example.com/answer',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'Migrations',
  ResourceProperties: { Newest: '0007_monitoring' },
  ...also,
});

const update = (from: string, to: string) =>
  event({
    RequestType: 'Update',
    ResourceProperties: { Newest: to },
    OldResourceProperties: { Newest: from },
  });

/** Answers of the migrate job, one a run: what it applied, or what it threw. */
async function deployed(of: DeployEvent, answers: (string[] | Error)[], remaining = 800_000) {
  let runs = 0;
  let paused = 0;
  const sent: { url: string; body: Record<string, string> }[] = [];
  const deps: Deps = {
    migrate: async () => {
      const answer = answers[runs++];
      if (answer === undefined) throw new Error('run once too often');
      if (answer instanceof Error) throw answer;
      return { applied: answer };
    },
    put: async (url, body) => {
      sent.push({ url, body: JSON.parse(body) });
    },
    pause: async (milliseconds) => {
      paused += milliseconds;
    },
    log: () => {},
    remaining: () => remaining - paused,
  };
  await run(of, deps);
  expect(sent).toHaveLength(1);
  return { runs, paused, ...sent[0]! };
}

const away = new Error('connect ECONNREFUSED');
const broken = Object.assign(new Error('0008_x.up.sql line 3: no such table'), { name: 'MigrationFailed' });

test('a new release applies its migrations and says which', async () => {
  const { runs, url, body } = await deployed(update('0007_monitoring', '0008_x'), [['0008_x']]);
  expect(runs).toBe(1);
  expect(url).toBe('https://example.com/answer');
  expect(body).toEqual({
    Status: 'SUCCESS',
    Reason: 'Applied 0008_x.',
    PhysicalResourceId: 'migrations',
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Migrations',
  });
});

test('a migration that fails fails the deployment at once, with its reason', async () => {
  const { runs, body } = await deployed(update('0007_monitoring', '0008_x'), [broken]);
  expect(runs).toBe(1);
  expect(body).toMatchObject({
    Status: 'FAILED',
    Reason: 'Migrations failed, nothing new serves. MigrationFailed: 0008_x.up.sql line 3: no such table',
  });
});

test('a reason longer than CloudFormation takes is cut', async () => {
  const { body } = await deployed(update('0007_monitoring', '0008_x'), [new Error('x'.repeat(5000))]);
  expect(body.Reason).toHaveLength(1000);
});

describe('an older release that comes back', () => {
  test('after a failed deployment leaves the schema and succeeds', async () => {
    const { runs, body } = await deployed(update('0008_x', '0007_monitoring'), []);
    expect(runs).toBe(0);
    expect(body).toMatchObject({ Status: 'SUCCESS', Reason: expect.stringContaining('stays at 0008_x') });
  });

  test('with the same newest migration runs as any other', async () => {
    expect((await deployed(update('0007_monitoring', '0007_monitoring'), [[]])).body).toMatchObject({
      Status: 'SUCCESS',
      Reason: 'Nothing to apply.',
    });
  });
});

describe('a stage that is made anew', () => {
  test('waits for a database that does not let anyone in yet', async () => {
    const { runs, paused, body } = await deployed(event({}), [away, away, ['0001_foundation']]);
    expect({ runs, paused }).toEqual({ runs: 3, paused: 60_000 });
    expect(body).toMatchObject({ Status: 'SUCCESS' });
  });

  test('goes on as long as its function lives, and then still answers', async () => {
    const { runs, paused, body } = await deployed(event({}), Array(40).fill(away));
    expect(runs).toBeGreaterThan(20);
    expect(paused).toBeLessThanOrEqual(800_000 - 30_000);
    expect(body).toMatchObject({ Status: 'FAILED' });
  });

  test('gives up at once when a migration is wrong', async () => {
    const { runs, body } = await deployed(event({}), [broken]);
    expect(runs).toBe(1);
    expect(body).toMatchObject({ Status: 'FAILED' });
  });

  test('answers while it still can', async () => {
    const { runs, body } = await deployed(event({}), Array(6).fill(away), 80_000);
    expect(runs).toBe(2);
    expect(body).toMatchObject({ Status: 'FAILED' });
  });
});

test('a stack that is deleted leaves the database alone', async () => {
  const { runs, body } = await deployed(event({ RequestType: 'Delete' }), []);
  expect(runs).toBe(0);
  expect(body).toMatchObject({ Status: 'SUCCESS' });
});

test('a release is known by its newest migration, and by every byte of what it applies', () => {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-migrations-'));
  const release = () => releaseOf(pathToFileURL(`${folder}/`));
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  write('0001_a.up.sql', 'select 1');
  write('0001_a.down.sql', 'select 2');
  const first = release();
  expect(first.Newest).toBe('0001_a');
  write('0001_a.down.sql', 'select 3');
  expect(release()).toEqual(first);
  write('0001_a.up.sql', 'select 4');
  expect(release().Content).not.toBe(first.Content);
  write('0002_b.up.sql', 'select 5');
  expect(release().Newest).toBe('0002_b');
});

describe('as it is bundled and deployed', () => {
  beforeEach(() => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  test.each([
    ['the migrate function answers', { applied: ['0001_foundation'] }, {}, 'SUCCESS', 'Applied 0001_foundation.'],
    [
      'the migrate function throws',
      { errorType: 'MigrationFailed', errorMessage: '0008_x.up.sql line 3: no such table' },
      { 'x-amz-function-error': 'Unhandled' },
      'FAILED',
      'Migrations failed, nothing new serves. MigrationFailed: 0008_x.up.sql line 3: no such table',
    ],
  ])('%s', async (_, payload, headers, Status, Reason) => {
    const requests: { method: string; url: string; body: string }[] = [];
    const server = createServer(async (request, response) => {
      requests.push({ method: request.method!, url: request.url!, body: await text(request) });
      response.writeHead(200, headers).end(request.method === 'POST' ? JSON.stringify(payload) : '');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const folder = mkdtempSync(join(tmpdir(), 'counterfoil-runner-'));
    try {
      for (const [name, value] of Object.entries({
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_SESSION_TOKEN: 'token',
        AWS_ENDPOINT_URL_LAMBDA: address,
        MIGRATE_FUNCTION: 'the-migrate-function',
      })) {
        vi.stubEnv(name, value);
      }
      const bundles = await bundleHandlers({ [runner.handler]: runner.source }, folder);
      const { handler } = await import(`${bundles.get(runner.handler)!.directory}/index.mjs`);
      const released = { ...update('0007_monitoring', '0008_x'), ResponseURL: `${address}/answer` };
      await handler(released, { getRemainingTimeInMillis: () => 800_000 });
      expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
        'POST /2015-03-31/functions/the-migrate-function/invocations',
        'PUT /answer',
      ]);
      expect(requests[0]!.body).toBe('{}');
      expect(JSON.parse(requests[1]!.body)).toMatchObject({ Status, Reason, RequestId: 'request' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
      server.close();
      server.closeAllConnections();
    }
  });
});
