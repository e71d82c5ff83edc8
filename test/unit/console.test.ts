import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, get, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { pageFile, pageHtml } from '../../infra/local/console/files.ts';
import { graphOf } from '../../infra/local/console/graph.ts';
import { followLog } from '../../infra/local/console/log-tail.ts';
import { withoutCodes } from '../../infra/local/console/mailbox.ts';
import { createConsoleServer } from '../../infra/local/console/server.ts';
import type { RawEvent } from '../../infra/local/console/states-api.ts';
import { visitsOf } from '../../infra/local/console/story.ts';
import { createFaults, FaultRefused } from '../../infra/local/faults.ts';
import { consoleFront } from '../../infra/local/functions/console-front.ts';
import { portOf } from '../../infra/local/loopback.ts';
import type { Machine } from '../../infra/local/states/definition.ts';
import { definitions } from '../support/definitions.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server, at: string | number): Promise<Server> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(at as number, resolve));
  return server;
}

/** The status of an answer to a request whose `Host` may be another one. */
const statusOf = (port: number, path: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    }).on('error', reject);
  });

describe('the way to the console', () => {
  test('is open to programs that call this machine by its own name, and closed to pages that rebind theirs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'counterfoil-console-'));
    const socket = join(folder, 's');
    await listening(
      createServer((_, response) => response.end('console')),
      socket,
    );
    const front = consoleFront(async () => socket);
    const gateway = await listening(
      createServer((request, response) => front(request, response) || response.writeHead(404).end()),
      0,
    );
    const port = portOf(gateway);
    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:3000']) {
      expect(await statusOf(port, '/console/orders', { host }), host).toBe(200);
    }
    for (const host of ['evil.example', '192.168.1.7:3000', 'localhost.evil.example', '127.0.0.1.evil.example']) {
      expect(await statusOf(port, '/console/orders', { host }), host).toBe(404);
    }
    expect(await statusOf(port, '/consoles', { host: 'localhost' })).toBe(404);
    await rm(folder, { recursive: true });
  });

  test('answers 503 when the console cannot be opened', async () => {
    const front = consoleFront(() => Promise.reject(new Error('no')));
    const gateway = await listening(
      createServer((request, response) => void front(request, response)),
      0,
    );
    expect(await statusOf(portOf(gateway), '/console', { host: 'localhost' })).toBe(503);
  });
});

describe('the server of the console', () => {
  const open = async () => {
    const bodies: unknown[] = [];
    const server = await listening(
      createConsoleServer({
        endpoints: [{ method: 'POST', path: /^act$/, answer: async ({ body }) => bodies.push(body) }],
        file: async () => undefined,
        page: async () => ({ html: 'page', headers: {} }),
        join: () => {},
      }),
      0,
    );
    const address = `http://127.0.0.1:${portOf(server)}/console`;
    const post = (headers: Record<string, string>, body = '{}') =>
      fetch(`${address}/api/act`, { method: 'POST', headers, body }).then(({ status }) => status);
    return { address, bodies, post };
  };

  test('does nothing for a page of another site', async () => {
    const { address, bodies, post } = await open();
    const json = { 'content-type': 'application/json' };
    expect(await post({ ...json, origin: 'https://evil.example' })).toBe(403);
    expect(await post({ 'content-type': 'text/plain' })).toBe(415);
    expect(await post(json, 'no json')).toBe(400);
    expect(await post(json, JSON.stringify('x'.repeat(70_000)))).toBe(413);
    expect(bodies).toEqual([]);
    expect(await post({ ...json, origin: new URL(address).origin }, '{"name":"kill"}')).toBe(200);
    expect(bodies).toEqual([{ name: 'kill' }]);
  });

  test('answers with the page at every address of it, and 404 for files and data that it has not', async () => {
    const { address } = await open();
    const status = async (path: string, method = 'GET') => (await fetch(address + path, { method })).status;
    expect(await status('/orders/ord_1')).toBe(200);
    expect(await status('/page/nothing.ts')).toBe(404);
    expect(await status('/api/nothing')).toBe(404);
    expect(await status('/api/act')).toBe(405);
    expect(await status('/orders', 'DELETE')).toBe(405);
  });
});

test('a mail is shown without the codes in it, and with the ids', () => {
  const order = 'ord_01a2291f593473fdac3ea8b09e774370';
  const text = `Your order ${order}\n\ncfe_R_SgSXloGcmqQjsfyYg8n4sMFzAWwCMu7a7_V_n93HA\n\nhttps://shop.example/reset?token=abcdefghijklmnopqrstuvwxyz`;
  expect(withoutCodes(text)).toBe(`Your order ${order}\n\n[code]\n\nhttps://shop.example/reset?token=[code]`);
});

describe('a state graph', () => {
  test.each(Object.entries(definitions))('of %s has every state, and an arrow for each way', (_, definition) => {
    const graph = graphOf(definition as unknown as Machine);
    expect(graph.nodes.map(({ name }) => name).toSorted()).toEqual(Object.keys(definition.States).toSorted());
    for (const { x, y, width, height } of graph.nodes) {
      expect(x - width / 2).toBeGreaterThanOrEqual(0);
      expect(x + width / 2).toBeLessThanOrEqual(graph.width);
      expect(y + height / 2).toBeLessThanOrEqual(graph.height);
    }
    const ways = Object.entries(definition.States).flatMap(([from, { Next, Default, Choices = [], Catch = [] }]) =>
      [Next, Default, ...[...Choices, ...Catch].map((each) => each.Next)].flatMap((to) =>
        to ? [`${from} ${to}`] : [],
      ),
    );
    expect(graph.edges.map(({ from, to }) => `${from} ${to}`).toSorted()).toEqual([...new Set(ways)].toSorted());
    for (const { points } of graph.edges) expect(points.length).toBeGreaterThanOrEqual(2);
  });

  test('of placing shows what compensates, and nothing else, as compensation', () => {
    const { nodes } = graphOf(definitions.placing as unknown as Machine);
    expect(nodes.filter(({ compensates }) => !compensates).map(({ name }) => name)).toEqual([
      'ReserveStock',
      'ChargePayment',
      'AwaitPayment',
      'ConfirmOrder',
      'Ended',
    ]);
  });
});

test('a history is shown by state and attempt, with errors in full and without secrets', () => {
  const cause = JSON.stringify({
    errorMessage: 'no answer to Bearer abc.def',
    trace: ['OutcomeUnknown: no answer', `    at charge (${new URL('../../lib/x.ts', import.meta.url)}:1:2)`],
  });
  const types: [string, object?][] = [
    ['ExecutionStarted'],
    ['TaskStateEntered', { stateEnteredEventDetails: { name: 'ChargePayment' } }],
    ['LambdaFunctionScheduled'],
    ['LambdaFunctionStarted'],
    ['LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: { error: 'OutcomeUnknown', cause } }],
    ['LambdaFunctionScheduled'],
    ['LambdaFunctionSucceeded', {}],
    ['TaskStateExited', { stateExitedEventDetails: { name: 'ChargePayment' } }],
    ['ChoiceStateEntered', { stateEnteredEventDetails: { name: 'Confirmed' } }],
  ];
  const events = types.map(([type, details], i): RawEvent => ({ id: i + 1, timestamp: i, type, ...details }));
  const [charge, choice] = visitsOf(events);
  expect(charge).toEqual({
    state: 'ChargePayment',
    enteredAt: 1000,
    endedAt: 7000,
    attempts: [
      {
        startedAt: 2000,
        endedAt: 4000,
        result: 'failed',
        error: 'OutcomeUnknown',
        message: 'no answer to [redacted]',
        trace: ['at charge (lib/x.ts:1:2)'],
      },
      { startedAt: 5000, endedAt: 6000, result: 'succeeded', error: null, message: null, trace: [] },
    ],
  });
  expect(choice).toEqual({ state: 'Confirmed', enteredAt: 8000, endedAt: null, attempts: [] });
});

test('the log is read from where it was left, line by line, and anew when another file takes its place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-tail-'));
  const file = join(folder, 'functions.log');
  const tail = followLog(file);
  expect(await tail.read()).toEqual([]);
  await writeFile(file, '{"a":1}\nno json\n{"b":');
  expect(await tail.read()).toEqual([{ a: 1 }]);
  await appendFile(file, '"ü"}\n{"c":3}\n');
  expect(await tail.read()).toEqual([{ b: 'ü' }, { c: 3 }]);
  expect(await tail.read()).toEqual([]);
  await writeFile(file, '{"d":4}\n');
  expect(await tail.read()).toEqual([{ d: 4 }]);
  await rm(folder, { recursive: true });
});

describe('a fault', () => {
  const open = () => {
    const did: string[] = [];
    const faults = createFaults({
      killFunctions: async () => void did.push('kill'),
      cutDynamo: (away) => void did.push(away ? 'cut' : 'back'),
      pauseReplication: async (paused) => void did.push(paused ? 'pause' : 'resume'),
      log: () => {},
    });
    const deliver = (step: string) =>
      faults.deliver(step, { paymentMethod: 'pm_card_visa' }, async ({ paymentMethod }) => {
        did.push(`${step} ${paymentMethod}`);
        return 'answer';
      });
    return { did, faults, deliver };
  };

  test('declines the next charge alone, whatever comes before it', async () => {
    const { did, faults, deliver } = open();
    faults.arm('decline');
    for (const step of ['saga/reserve-stock', 'saga/charge-payment', 'saga/charge-payment']) await deliver(step);
    expect(did).toEqual([
      'saga/reserve-stock pm_card_visa',
      'saga/charge-payment pm_card_chargeDeclined',
      'saga/charge-payment pm_card_visa',
    ]);
    expect(faults.armed()).toEqual([]);
  });

  test('loses one answer of work that is done', async () => {
    const { did, faults, deliver } = open();
    faults.arm('lose-answer');
    await expect(deliver('saga/reserve-stock')).rejects.toMatchObject({ name: 'Lambda.Unknown' });
    expect(did).toEqual(['saga/reserve-stock pm_card_visa']);
    await expect(deliver('saga/reserve-stock')).resolves.toBe('answer');
  });

  test('kills the functions once when a step is done, and not so often that the stack gives up', async () => {
    const { did, faults, deliver } = open();
    for (let i = 0; i < 3; i++) {
      faults.arm('kill');
      await expect(deliver('saga/reserve-stock')).rejects.toMatchObject({ name: 'Runtime.ExitError' });
    }
    expect(did.filter((what) => what === 'kill')).toHaveLength(3);
    expect(() => faults.arm('kill')).toThrow(FaultRefused);
    await expect(deliver('saga/reserve-stock')).resolves.toBe('answer');
  });

  test('takes the payment provider away from the steps that ask it alone', async () => {
    const { did, faults, deliver } = open();
    faults.arm('provider-away');
    for (const step of ['saga/charge-payment', 'saga/refund-payment'])
      await expect(deliver(step)).rejects.toMatchObject({ name: 'OutcomeUnknown' });
    await deliver('saga/release-stock');
    expect(did).toEqual(['saga/release-stock pm_card_visa']);
    faults.clear();
    await expect(deliver('saga/refund-payment')).resolves.toBe('answer');
  });

  test('pauses replication until it is taken back', async () => {
    const { did, faults } = open();
    faults.arm('pause-replication');
    faults.clear();
    await expect.poll(() => did).toEqual(['pause', 'resume']);
  });

  test('takes DynamoDB away until it is taken back', () => {
    const { did, faults } = open();
    faults.arm('dynamo-away');
    faults.arm('dynamo-away');
    faults.arm('decline');
    expect(faults.armed()).toEqual([
      { name: 'decline', until: null },
      { name: 'dynamo-away', until: expect.any(String) },
    ]);
    faults.clear();
    expect(did).toEqual(['cut', 'back']);
    expect(faults.armed()).toEqual([]);
  });
});

test('the browser finds every module that the page imports, by its address or in the map of imports', async () => {
  const { html } = await pageHtml();
  const map = JSON.parse(/<script type="importmap">(.*?)<\/script>/.exec(html)![1]!).imports as Record<string, string>;
  const asked = [...html.matchAll(/<link rel="modulepreload" href="([^"]+)">/g)].map(([, address]) => address!);
  expect(asked).toContain('/console/page/orders.ts');
  const seen = new Set<string>();
  for (const address of asked) {
    if (seen.has(address)) continue;
    seen.add(address);
    const file = await pageFile(address.replace('/console/', ''));
    expect(file, address).toMatchObject({ type: expect.stringMatching(/^text\/javascript/) });
    if (address.startsWith('/console/vendor/')) continue;
    for (const [, named] of String(file!.content).matchAll(/^(?:import|export) [^;]*?from '([^']+)';$/gm)) {
      const url = named!.startsWith('.') ? new URL(named!, `http://localhost${address}`).pathname : named!;
      asked.push(map[url] ?? url);
    }
  }
  expect([...seen]).toContain('/console/shared/lib/kernel/money.js');
});
