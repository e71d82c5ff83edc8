import { workerPorts } from './environment.ts';

/* The health check of a container: whether this one is ready. `worker` asks the worker's port. */
const port = process.argv[2] === 'worker' ? workerPorts().health : (process.env.PORT ?? 8080);
const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2500) }).catch(
  () => undefined,
);
process.exit(response?.ok === true ? 0 : 1);
