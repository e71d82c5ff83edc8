import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type StepName, steps } from '../../functions/steps.ts';
import { type StateMachineName, stateMachines } from '../../lib/contract/deploy/route.ts';
import { config } from '../../lib/platform/config.ts';
import { connectionOf } from '../../lib/platform/sql.ts';
import { busRules } from '../local/bus/rules.ts';
import { startBus } from '../local/bus/start.ts';
import { createClock } from '../local/clock.ts';
import { startJobs } from '../local/jobs.ts';
import { listenOn } from '../local/loopback.ts';
import { startStates } from '../local/states/start.ts';
import { machineArnOf, runsSagas, workerPorts } from './environment.ts';
import { answersProbe } from './health.ts';
import { invoke } from './invoke.ts';
import type { Running } from './main.ts';
import { takeWorkerLock } from './worker-lock.ts';

type Options = { say: (message: string) => void; signal: AbortSignal; onLost: () => void };

/**
 * Runs the sagas, the events and the jobs of a stage, once it has the lock. A container that waits for the lock is alive and not ready, so
 * that nobody calls it.
 */
export async function startWorker({ say, signal, onLost }: Options): Promise<Running> {
  await using parts = new AsyncDisposableStack();
  const keep = <T extends { stop(): Promise<void> }>(part: T): T => {
    parts.defer(() => part.stop());
    return part;
  };
  let ready = false;
  const probes = createServer((request, response) => {
    if (!answersProbe(request, response, () => ready)) response.writeHead(404).end();
  });
  await listenOn('0.0.0.0', workerPorts().health, probes);
  parts.defer(() => void probes.close());
  const lock = await takeWorkerLock(connectionOf(config().DATABASE_HOST ?? '', 'monitor'), {
    signal,
    onWait: () => say('another worker has the lock: waiting for it'),
    onLost: () => {
      say('the lock is lost: ending');
      onLost();
    },
  });
  if (lock === undefined) return toRunning(parts);
  keep(lock);
  await startParts(say, keep);
  ready = true;
  say('running sagas, events and jobs');
  return toRunning(parts);
}

const toRunning = (parts: AsyncDisposableStack): Running => {
  const running = parts.move();
  return { stop: () => running.disposeAsync() };
};

/** Which jobs a worker runs: as on AWS, those of the warehouse where there is one. */
export const containerJobs = (warehouse: string | undefined) => ({
  refreshKeys: false,
  askedForReports: true,
  warehouse: warehouse !== undefined,
});

async function startParts(
  say: (message: string) => void,
  keep: <T extends { stop(): Promise<void> }>(part: T) => T,
): Promise<void> {
  const folder = process.env.DATA_FOLDER ?? '/data';
  await mkdir(folder, { recursive: true });
  const clock = createClock();
  let [publish, sendMails] = [() => {}, () => {}];
  const bus = await startBus({
    name: config().EVENT_BUS_NAME,
    file: join(folder, 'events.sqlite'),
    address: { host: '0.0.0.0', port: workerPorts().events },
    rules: busRules({
      orderMails: config().ORDER_MAILS === 'all',
      invoke,
      publish: () => publish(),
      sendMails: () => sendMails(),
    }),
    clock,
    log: say,
  });
  keep(bus);
  if (runsSagas()) keep(await startSagas(folder, { clock, say, onChange: () => publish() }));
  const jobs = keep(startJobs({ ...containerJobs(config().WAREHOUSE_BUCKET), invoke, clock, log: say }));
  [publish, sendMails] = [jobs.publish, jobs.sendMails];
  publish();
}

/** Runs the sagas at the port of the states. */
export async function startSagas(
  folder: string,
  {
    clock,
    say,
    onChange,
  }: { clock: ReturnType<typeof createClock>; say: (message: string) => void; onChange: () => void },
) {
  const machines = await Promise.all(
    stateMachines.map(async (name) => ({
      stateMachineArn: machineArnOf(name),
      definition: await readDefinition(name),
      file: join(folder, `states-${name}.sqlite`),
    })),
  );
  return startStates({
    machines,
    address: { host: '0.0.0.0', port: workerPorts().states },
    invoke: (handler, payload) => invoke(handler, payload, 30),
    onChange,
    clock,
    log: say,
  });
}

/** The deployed definition, with the names of handlers in place of the functions' ARNs. */
async function readDefinition(name: StateMachineName): Promise<object> {
  const text = await readFile(new URL(`../saga/${name}.asl.json`, import.meta.url), 'utf8');
  return JSON.parse(
    text.replace(/\$\{(\w+)\}/g, (_, name: string) => steps[name as StepName]?.handler ?? `\${${name}}`),
  );
}
