import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { sharedRuns } from '../../../lib/kernel/shared-runs.ts';
import { contentType } from '../../../lib/operations/metrics/text.ts';
import { type FaultName, faults } from '../faults.ts';
import type { Machine } from '../states/definition.ts';
import { act, actions } from './act.ts';
import { changesOfAlarms } from './alarm-watch.ts';
import { collect } from './collect.ts';
import { openDatabase } from './database.sql.ts';
import { createExposition } from './exposition.ts';
import { pageFile, pageHtml } from './files.ts';
import { measure } from './gauges.ts';
import { graphOf } from './graph.ts';
import { createLive } from './live.ts';
import { followLog, type LogLine } from './log-tail.ts';
import { MetricStore } from './metric-store.ts';
import { readOrder } from './order.ts';
import { listOrders } from './orders.ts';
import { drawOverview, evaluateAlarms, type OverviewDeps, ranges } from './overview.ts';
import { partEndpoints } from './part-endpoints.ts';
import { hasPlan, planOf } from './plan.sql.ts';
import type { ConsoleData, FromConsole, ToConsole } from './protocol.ts';
import { remoteStack } from './remote.ts';
import { explainRequest, listRequests, type RequestDetail } from './requests.ts';
import { createConsoleServer, type Endpoint, type File, Refused } from './server.ts';
import { statesApi } from './states-api.ts';
import { openDocuments } from './tables.dynamo.ts';

/*
 * The thread of the console. What the functions log tells it that something has changed: every request, step, job and consumer
 * logs a line. Nothing else of the stack knows whether anybody looks.
 */

const data = workerData as ConsoleData;
enableCompileCache(data.compileCache);
const stack = remoteStack(parentPort!);
const database = openDatabase(() => stack.postgresSocket());
const states = statesApi(data.statesEndpoint);
const documents = openDocuments(data.dynamoEndpoint);
const { machines } = data;
const log = followLog(data.logFile);
const live = createLive(() => void follow());

const everyMs = 200;
/** So many looks after the last change pages are told once more: a state machine moves on after its step has logged. */
const onceMoreAfter = 3;

/** Looks into the log as long as a page is open. */
async function follow(): Promise<void> {
  for (let quiet = 0; live.anybody(); quiet++) {
    await readLog();
    if (isNew) quiet = 0;
    isNew = false;
    if (quiet === 0 || quiet === onceMoreAfter) live.changed();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

const store = new MetricStore();
const exposition = createExposition();
const measured: Pick<MetricStore, 'add'> = {
  add(key, time, value) {
    store.add(key, time, value);
    exposition.add(key, value);
  },
};
const requests: LogLine[] = [];
const mostRequests = 5000;
/** Of every kind but metrics. */
const lines: LogLine[] = [];
const mostLines = 20_000;

/** Whether something was logged that pages have not heard of. */
let isNew = false;
const shared = sharedRuns<void>();

/** Takes in what was logged since the last time. */
const readLog = () =>
  shared('log', async () => {
    const logged = await log.read();
    const now = Date.now();
    for (const line of logged) {
      collect(measured, line, now);
      if (line.accessId !== undefined) requests.push(line);
      if (line._aws === undefined) lines.push(line);
    }
    requests.splice(0, requests.length - mostRequests);
    lines.splice(0, lines.length - mostLines);
    isNew ||= logged.length > 0;
  });

let definitions: Promise<Pick<OverviewDeps, 'dashboards' | 'alarms' | 'composites'>> | undefined;

/** CDK is loaded when the dashboards are looked at for the first time. */
async function readDashboards() {
  const { readDefinitions } = await import('./definitions.ts');
  const arns = Object.entries(machines).map(([name, { arn }]) => [name, arn]);
  return readDefinitions(Object.fromEntries(arns) as Parameters<typeof readDefinitions>[0]);
}

/** The definitions, when the newest measurements are in the store. */
async function upToDate() {
  definitions ??= readDashboards();
  definitions.catch(() => {
    definitions = undefined;
  });
  const [defined, { ahead }] = await Promise.all([definitions, stack.clock(), readLog()]);
  await measureOnce(ahead * 1000);
  return defined;
}

const changes = changesOfAlarms();

/** Has people told of alarms that have changed. */
async function watchAlarms(): Promise<void> {
  const defined = await upToDate();
  // Windows are part of the alarm that is made of them.
  const parts = new Set(defined.composites.flatMap(({ anyOf }) => anyOf.flat()));
  const views = evaluateAlarms({ store, since: data.startedAt }, defined, Date.now());
  const changed = changes(views.filter(({ name }) => !parts.has(name)));
  if (changed.length > 0) await stack.tellOfAlarms(changed);
}

parentPort!.on('message', ({ kind }: ToConsole) => {
  if (kind !== 'watch') return;
  // What cannot be looked at now can be in a minute.
  const look = () => void watchAlarms().catch(() => {});
  look();
  setInterval(look, 60_000).unref();
});

async function overview(minutes: string) {
  if (!Object.hasOwn(ranges, minutes)) throw new Refused(400, 'There is no such range.');
  const defined = await upToDate();
  return drawOverview({ store, lines: () => requests, ...defined, since: data.startedAt }, minutes, Date.now());
}

let measuredAt = 0;

/** At most once a second, however many pages are open. */
async function measureOnce(ahead: number): Promise<void> {
  const now = Date.now();
  if (now - measuredAt < 900) return;
  measuredAt = now;
  await measure({ store, database, states, machines, parkedEvents: () => stack.parkedEvents(), ahead }, now);
}

const graphs = Object.fromEntries(
  Object.entries(machines).map(([name, { definition }]) => [name, graphOf(definition as Machine)]),
);

const faultList = (armed: unknown) => ({
  faults: Object.entries(faults).map(([name, does]) => ({ name, does })),
  armed,
});

/** @throws Refused when there is no such fault, or it cannot be armed now */
async function arm(body: unknown) {
  const { name } = body as { name?: unknown };
  if (typeof name !== 'string' || !Object.hasOwn(faults, name)) throw new Refused(400, 'There is no such fault.');
  const armed = await stack.arm(name as FaultName).catch((error: Error) => {
    throw error.name === 'FaultRefused' ? new Refused(409, error.message) : error;
  });
  live.changed();
  return faultList(armed);
}

const orderId = '(ord_[0-9a-f]{32})';

const endpoints: Endpoint[] = [
  {
    method: 'GET',
    path: /^orders$/,
    async answer({ query }) {
      const { now } = await stack.clock();
      const deps = { database, states, placing: machines.placing.arn, compensating: machines.compensating.arn };
      return listOrders(deps, query, Date.parse(now));
    },
  },
  {
    method: 'GET',
    path: new RegExp(`^orders/${orderId}$`),
    async answer({ parts: [id] }) {
      const { now } = await stack.clock();
      const order = await readOrder({ database, states, documents, machines }, id!, Date.parse(now));
      if (order === undefined) throw new Refused(404, 'There is no such order.');
      return order;
    },
  },
  {
    method: 'POST',
    path: new RegExp(`^orders/${orderId}/(${Object.keys(actions).join('|')})$`),
    answer: ({ parts: [id, action], body }) => act(data, action as keyof typeof actions, id!, body),
  },
  { method: 'GET', path: /^overview$/, answer: ({ query }) => overview(query.get('range') ?? '15') },
  {
    method: 'GET',
    path: /^requests$/,
    async answer({ query }) {
      await readLog();
      return listRequests(requests, query);
    },
  },
  {
    method: 'GET',
    path: /^requests\/(req_[0-9a-f]{32})$/,
    async answer({ parts: [id] }) {
      await readLog();
      const found = explainRequest(lines, id!);
      if (found === undefined) throw new Refused(404, 'The log has no such request any more.');
      const { orders, others, ...detail } = found;
      return { ...detail, traces: await stack.traces(id!, orders, others) } satisfies RequestDetail;
    },
  },
  {
    method: 'GET',
    path: /^plans\/(\d{1,9})\/(\d{1,4})$/,
    async answer({ parts: [trace, span] }) {
      const statement = await stack.statement(Number(trace), Number(span));
      if (statement === undefined) throw new Refused(404, 'The statement is not kept any more.');
      if (!hasPlan(statement)) throw new Refused(409, 'This statement has no plan.');
      const plan = await planOf(database, statement).catch((error: Error) => {
        throw new Refused(409, `PostgreSQL plans it only with its parameters: ${error.message}`);
      });
      return { plan };
    },
  },
  ...partEndpoints({ database, documents, stack, store, readLog, changed: live.changed }),
  { method: 'GET', path: /^graphs$/, answer: async () => graphs },
  { method: 'GET', path: /^faults$/, answer: async () => faultList(await stack.armedFaults()) },
  { method: 'POST', path: /^faults$/, answer: ({ body }) => arm(body) },
  {
    method: 'POST',
    path: /^faults\/clear$/,
    answer: async () => faultList(await stack.clearFaults()),
  },
];

/** A file of the page, or what Prometheus asks for. */
async function file(path: string): Promise<File | undefined> {
  if (path !== 'metrics') return pageFile(path);
  await readLog();
  return { type: contentType, content: exposition.text() };
}

const server = createConsoleServer({ endpoints, file, page: pageHtml, join: live.join });
server.listen(data.socket, () => parentPort!.postMessage({ kind: 'ready' } satisfies FromConsole));
