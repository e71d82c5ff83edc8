import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { type FaultName, faults } from '../faults.ts';
import type { Machine } from '../states/definition.ts';
import { act, actions } from './act.ts';
import { openDatabase } from './database.sql.ts';
import { pageFile, pageHtml } from './files.ts';
import { graphOf } from './graph.ts';
import { createLive } from './live.ts';
import { followLog } from './log-tail.ts';
import { readOrder } from './order.ts';
import { listOrders } from './orders.ts';
import type { ConsoleData, FromConsole } from './protocol.ts';
import { remoteStack } from './remote.ts';
import { createConsoleServer, type Endpoint, Refused } from './server.ts';
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
    if ((await log.read()).length > 0) quiet = 0;
    if (quiet === 0 || quiet === onceMoreAfter) live.changed();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
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
    answer: ({ query }) =>
      listOrders({ database, states, placing: machines.placing.arn, compensating: machines.compensating.arn }, query),
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
  { method: 'GET', path: /^graphs$/, answer: async () => graphs },
  { method: 'GET', path: /^faults$/, answer: async () => faultList(await stack.armedFaults()) },
  { method: 'POST', path: /^faults$/, answer: ({ body }) => arm(body) },
  {
    method: 'POST',
    path: /^faults\/clear$/,
    answer: async () => faultList(await stack.clearFaults()),
  },
];

const server = createConsoleServer({ endpoints, file: pageFile, page: pageHtml, join: live.join });
server.listen(data.socket, () => parentPort!.postMessage({ kind: 'ready' } satisfies FromConsole));
