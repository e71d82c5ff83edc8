import { readFileSync } from 'node:fs';
import { type StateMachineName, stateMachines, stateMachineVariables } from '../../lib/contract/deploy/route.ts';

/** Where the worker serves the stand-ins of Step Functions and EventBridge. */
export const workerPorts = () => {
  const { WORKER_PORT = '8083', HEALTH_PORT = '8085' } = process.env;
  return { states: Number(WORKER_PORT), events: Number(WORKER_PORT) + 1, health: Number(HEALTH_PORT) };
};

export const machineArnOf = (name: StateMachineName): string =>
  `arn:aws:states:${process.env.AWS_REGION}:000000000000:stateMachine:counterfoil-order-${name}`;

/** Whether the sagas run in the worker: without state machines of Step Functions that somebody names. */
export const runsSagas = (): boolean => process.env.RUN_SAGAS === 'worker';

/**
 * Completes the environment before anything reads it: secrets from files, as orchestrators mount them, and where sagas and events go
 * when nothing else is named.
 * @throws when some state machines are named, and not all
 */
export function completeEnvironment(command: 'http' | 'worker' | 'prepare' | 'job'): void {
  const env = process.env;
  for (const [name, file] of Object.entries(env))
    if (name.endsWith('_SECRET_FILE') && file !== undefined && file !== '')
      env[name.slice(0, -'_FILE'.length)] = readFileSync(file, 'utf8').trim();
  env.AWS_REGION ??= 'eu-west-1';
  env.DATABASE_POOL_SIZE ??= '4';
  const variables = Object.values(stateMachineVariables);
  const missing = variables.filter((name) => (env[name] ?? '') === '');
  const named = missing.length < variables.length;
  if (named && missing.length > 0)
    throw new Error(`Name all four state machines, or none: ${missing.join(', ')} is missing.`);
  env.RUN_SAGAS = named ? 'step-functions' : 'worker';
  const worker = command === 'worker' ? '127.0.0.1' : (env.WORKER_HOST ?? 'worker');
  if (!named) {
    for (const name of stateMachines) env[stateMachineVariables[name]] = machineArnOf(name);
    env.AWS_ENDPOINT_URL_SFN = `http://${worker}:${workerPorts().states}`;
  }
  // Events go to a bus of AWS when one is named, and to the worker otherwise.
  if (env.EVENT_BUS_NAME === undefined) env.AWS_ENDPOINT_URL_EVENTBRIDGE = `http://${worker}:${workerPorts().events}`;
}
