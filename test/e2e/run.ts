import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Document } from './document.ts';
import type { Target } from './target.ts';

const usage = `npm run test:e2e -- (--url ADDRESS [--app-key KEY] | --demo FILE | --laptop) [--short | --full] [--at-once N] [NAME...]

  --url ADDRESS   the API to test; it keeps the customers, products and orders that the tests make
  --app-key KEY   a key with every scope (or COUNTERFOIL_APP_KEY); npm run apps makes one
  --demo FILE     a demo.json, as npm start writes it to .local/
  --laptop        a stack of its own in a temporary folder, restarts and kill -9 included; fails too when a function did
                  what its permissions on AWS do not allow
  --short         leaves out what is slow
  --at-once N     so many tests at the same time, in one file after the other: for a target that runs few functions at once
  --full          does in full what is done smaller by default: a thousand buyers of fifty products
  NAME            runs only the files with such a name

The target must use the simulated payment provider. A target that limits an address to a few hundred requests a minute
is waited for, which takes a while: RATE_LIMIT_PER_MINUTE=100000 makes a run end within a minute.
`;

/** The rush runs first and alone, because it takes all the processor time there is. */
const rush = 'hot-product.test.ts';
/** Rate limits are tried out last and alone, because they stop everybody else. */
const alone = 'rate-limit.test.ts';
/** Have processes of their own, which they kill. */
const onlyOnLaptops = [
  'restart.test.ts',
  'test-clock.test.ts',
  'captures.test.ts',
  'whole-shop.test.ts',
  'reconciliation.test.ts',
  'move-in.test.ts',
];

async function main(): Promise<boolean> {
  const { values, positionals } = readArguments();
  if (values.help) {
    console.log(usage);
    return true;
  }
  const { short, full } = values;
  const files = await chooseFiles(positionals);
  const atOnce = values['at-once'] === undefined ? undefined : Number(values['at-once']);
  if (atOnce !== undefined && !(Number.isInteger(atOnce) && atOnce > 0))
    throw new Error(`--at-once is a number.\n\n${usage}`);
  if (values.laptop) return runOnLaptop({ short, full }, files);
  const { baseUrl, appKey, identity } = await readAddress(values);
  const target = await survey({ baseUrl, appKey, identity, short, full, laptop: false, logs: [] });
  try {
    return await runAll(target, files, atOnce);
  } finally {
    await removeApplications(target);
  }
}

async function removeApplications({ baseUrl, appKey, applicationIds }: Target): Promise<void> {
  const headers = { authorization: `Bearer ${appKey}` };
  for (const id of applicationIds) await fetch(`${baseUrl}/applications/${id}`, { method: 'DELETE', headers });
}

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      'app-key': { type: 'string' },
      demo: { type: 'string' },
      laptop: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      'at-once': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

async function readAddress(values: { url?: string; 'app-key'?: string; demo?: string }) {
  const demo = values.demo === undefined ? undefined : await readDemo(values.demo);
  const url = values.url ?? demo?.baseUrl;
  if (url === undefined) throw new Error(`Say what to test.\n\n${usage}`);
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new Error(`--url must be an http address, not "${url}".`);
  const appKey = values['app-key'] ?? demo?.appKey ?? process.env.COUNTERFOIL_APP_KEY;
  if (appKey === undefined) throw new Error('Give a key with every scope by --app-key or COUNTERFOIL_APP_KEY.');
  return { baseUrl: url.replace(/\/+$/, ''), appKey, identity: demo?.identity ?? null };
}

async function readDemo(file: string): Promise<Pick<Target, 'baseUrl' | 'appKey' | 'identity'>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read (${error.code}); npm start writes .local/demo.json.`, { cause: error });
  });
  try {
    const { baseUrl, appKey, issuer, clientId } = JSON.parse(text) as Record<string, unknown>;
    if (typeof baseUrl === 'string' && typeof appKey === 'string') {
      const known = typeof issuer === 'string' && typeof clientId === 'string';
      return { baseUrl, appKey, identity: known ? { issuer, clientId } : null };
    }
  } catch {
    // Told below.
  }
  throw new Error(`${file} is not a demo.json: it must have baseUrl and appKey.`);
}

/** What the target says of itself; so that a wrong address or key is one sentence and not a hundred failures. */
async function survey(
  known: Omit<Target, 'document' | 'limitPerMinute' | 'clientId' | 'limitedAppKey' | 'applicationIds'>,
): Promise<Target> {
  const { baseUrl, appKey } = known;
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const asking = fetch(`${baseUrl}${path}`, { ...init, signal: AbortSignal.timeout(2 * 60_000) });
    const response = await asking.catch((error: Error) => {
      const cause = error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
      throw new Error(`${baseUrl} does not answer: ${cause}.`, { cause: error });
    });
    if (response.status !== 429) return response;
    await sleep(1000 * Number(response.headers.get('retry-after') ?? 1));
    return ask(path, init);
  };
  const response = await ask('/openapi.json');
  if (!response.ok) throw new Error(`${baseUrl}/openapi.json gave ${response.status}; is this a Counterfoil?`);
  const document = (await response.json()) as Document;
  const post = async (path: string, body: object): Promise<{ id: string; key: string }> => {
    const headers = { authorization: `Bearer ${appKey}`, 'content-type': 'application/json' };
    const made = await ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (made.ok) return (await made.json()) as { id: string; key: string };
    throw new Error(`${baseUrl} does not take the app key: POST ${path} gave ${await made.text()}`);
  };
  const contact = 'e2e@example.com';
  const limited = { name: 'e2e, catalogue', kind: 'server', scopes: ['catalog:write'], contact };
  const server = await post('/applications', limited);
  const { key: limitedAppKey } = await post(`/applications/${server.id}/keys`, {});
  const scopes = ['catalog:read', 'orders:read', 'orders:place', 'customers:read', 'customers:write'];
  const shop = { name: 'e2e, shop', kind: 'web', scopes, contact };
  const { id: clientId } = await post('/applications', shop);
  const policy = /"address";q=(\d+);w=60/.exec(response.headers.get('ratelimit-policy') ?? '');
  return {
    ...known,
    clientId,
    limitedAppKey,
    applicationIds: [server.id, clientId],
    document,
    limitPerMinute: Number(policy?.[1] ?? Number.MAX_SAFE_INTEGER),
  };
}

async function runOnLaptop(size: { short: boolean; full: boolean }, files: string[]): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-e2e-'));
  // What the functions ask of AWS, on stacks that tests start for themselves too.
  const { RECORD_CALLS: calls = join(directory, 'calls.jsonl') } = process.env;
  process.env.RECORD_CALLS = calls;
  const { startLaptop, removeLaptop } = await import('./laptop.ts');
  let stopRunning = async () => {};
  let ending: Promise<void> | undefined;
  const end = () => {
    ending ??= stopRunning().then(() => removeLaptop(directory));
    return ending;
  };
  const on = async (limit: number, work: (target: Target) => Promise<boolean>) => {
    const { stop, ...address } = await startLaptop(directory, { RATE_LIMIT_PER_MINUTE: String(limit) });
    stopRunning = stop;
    const passed = await work(await survey({ ...address, ...size, laptop: true }));
    if (ending === undefined) await stop();
    return passed;
  };
  process.once('SIGINT', () => void end().finally(() => process.exit(130)));
  process.once('SIGTERM', () => void end().finally(() => process.exit(143)));
  try {
    const most = await on(1_000_000, (target) => runAll(target, files));
    if (ending !== undefined) return most;
    const last = !files.includes(alone) || (await on(60, (target) => runVitest(target, [alone])));
    return (await mayDo(calls)) && last && most;
  } finally {
    await end();
  }
}

/** Whether deployed functions may do all that the functions did here. */
async function mayDo(calls: string): Promise<boolean> {
  const { judge, readCalls } = await import('../iam/judge.ts');
  const { refused, requests } = judge(await readCalls([calls]));
  console.log(`IAM: ${requests} requests of functions, ${refused.length} of them refused where they are deployed`);
  for (const sentence of refused) console.error(`  ${sentence}`);
  return refused.length === 0;
}

async function runAll(target: Target, files: string[], atOnce?: number): Promise<boolean> {
  const most = files.filter(
    (file) => ![rush, alone].includes(file) && (target.laptop || !onlyOnLaptops.includes(file)),
  );
  const last = target.limitPerMinute > 200 ? [] : files.filter((file) => file === alone);
  let passed = true;
  for (const group of [files.filter((file) => file === rush), most, last]) {
    passed = (await runVitest(target, group, atOnce)) && passed;
  }
  return passed;
}

/** @returns whether everything passed */
async function runVitest(target: Target, files: string[], atOnce?: number): Promise<boolean> {
  if (files.length === 0) return true;
  // A process of its own: on Ctrl-C Vitest ends the one that it runs in, before a stack could be stopped.
  const child = fork(join(import.meta.dirname, 'vitest.ts'));
  child.send({ target, files, atOnce });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

/** The test files, or those with one of these names in theirs. */
async function chooseFiles(names: string[]): Promise<string[]> {
  const all = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.test.ts')).sort();
  const chosen = names.length === 0 ? all : all.filter((file) => names.some((name) => file.includes(name)));
  if (chosen.length > 0) return chosen;
  throw new Error(`No file of tests is called like ${names.join(' or ')}; there are ${all.join(', ')}.`);
}

main().then(
  (passed) => process.exit(passed ? 0 : 1),
  (error: unknown) => {
    console.error(process.env.DEBUG === undefined && error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
