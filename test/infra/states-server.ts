import { completeEnvironment } from '../../infra/container/environment.ts';

/*
 * Step Functions at a port of its own, with the functions of a stage behind it, as containers that name state machines find them: the
 * steps run in this process. `WORKER_PORT` is where the worker has the bus of events.
 */
const [port, folder] = process.argv.slice(2) as [string, string];
completeEnvironment('http');
// Imported here, because they read the environment.
const { startSagas } = await import('../../infra/container/worker.ts');
const { createClock } = await import('../../infra/local/clock.ts');
process.env.WORKER_PORT = port;
await startSagas(folder, { clock: createClock(), say: console.log, onChange: () => {} });
console.log('state machines are there');
