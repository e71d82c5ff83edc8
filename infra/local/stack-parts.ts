import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type StepName, steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import type { StateMachineName } from '../../lib/contract/deploy/route.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { shippedMigrations, status } from '../../lib/database/migrate.ts';
import { busRules } from './bus/rules.ts';
import { type Bus, startBus } from './bus/start.ts';
import { type Certificate, loadCertificate } from './certificate.ts';
import type { MovableClock } from './clock.ts';
import { readDemo } from './demo.ts';
import { type LocalDynamo, startDynamo } from './dynamo/start.ts';
import { createTables } from './dynamo/tables.ts';
import { type AccessLines, lastAccessLines, startAccessLines } from './functions/access-lines.ts';
import { type Credentials, region } from './functions-environment.ts';
import { startIdentity } from './identity/start.ts';
import { supervisePostgres } from './postgres/supervise.ts';
import { startRdsProxy } from './rds-proxy/server.ts';
import type { StackOptions } from './stack-types.ts';

/** Stops a part when the stack stops, in the reverse order of starting. Returns the part. */
export type Keep = <T extends { stop(): Promise<void> }>(part: T) => T;
export type Invoke = (handler: string, payload: unknown, timeoutSeconds: number) => Promise<unknown>;

export async function startStores(options: StackOptions, clock: MovableClock, keep: Keep) {
  const { directory, log = () => {}, onCrash = () => {}, postgresSettings: settings = {}, standby = false } = options;
  const { postgresPrograms: programs } = options;
  const onFailover: Parameters<typeof supervisePostgres>[0]['onFailover'] = (spool, primary) =>
    import('./backup/continue.ts').then(({ continueBackups }) => continueBackups(spool, primary, log));
  const starting = [
    supervisePostgres({ directory, standby, log, settings, programs, onFailover, onCrash }).then(keep),
    startDynamo({ path: join(directory, 'dynamo'), clock }).then(keep),
    loadCertificate(join(directory, 'tls')),
  ] as const;
  await Promise.allSettled(starting); // When one fails, the others have to be stopped.
  const [postgres, dynamo, certificate] = await Promise.all(starting);
  return { postgres, dynamo, certificate };
}

export async function openTables(
  { endpoint }: LocalDynamo,
  credentials: Credentials,
  keep: Keep,
): Promise<DynamoDBClient> {
  const client = new DynamoDBClient({ region, endpoint, credentials });
  keep({ stop: async () => client.destroy() });
  await createTables(client, tableSpecs);
  return client;
}

/** Tokens and certificates go by the machine's time: the SDK and TLS, which make and check them, know no other. */
export function startProxy(
  backendSocketPath: () => string | Promise<string>,
  { cert, key }: Certificate,
  credentials: Credentials,
) {
  const { accessKeyId, secretAccessKey } = credentials;
  const principal = { secretAccessKey, dbUsers: [...databaseRoles] };
  return startRdsProxy({
    host: 'localhost',
    region,
    cert,
    key,
    backendSocketPath,
    principals: (id) => (id === accessKeyId ? principal : undefined),
  });
}

/** The stack's own OpenID provider; undefined when the options name no port for it. */
export async function startProvider({ directory, identityPort }: StackOptions, api: { baseUrl: string }, keep: Keep) {
  if (identityPort === undefined) return undefined;
  const provider = await startIdentity({
    port: identityPort,
    keyFile: join(directory, 'identity-key.json'),
    api: async () => {
      const demo = await readDemo(join(directory, 'demo.json'));
      return { baseUrl: api.baseUrl, headers: demo === undefined ? {} : { 'client-id': demo.clientId } };
    },
  });
  return keep(provider);
}

/**
 * The records of accesses go to their function, with those that a killed run did not deliver. Duplicates change
 * nothing.
 */
export async function openAccessLines(
  logFile: string,
  invoke: Invoke,
  log: (line: string) => void,
): Promise<AccessLines> {
  const { handler, timeoutSeconds } = streams['record-access'];
  const lines = startAccessLines({ deliver: (payload) => invoke(handler, payload, timeoutSeconds), log });
  for (const line of await lastAccessLines(logFile)) lines.add(line);
  return lines;
}

/** The event bus with the rules of the consumer table, as the settings ask for them. */
export async function openBus(
  { directory, settings = {}, log = () => {} }: StackOptions,
  invoke: Invoke,
  { clock, keep, onMail, onEvents }: { clock: MovableClock; keep: Keep; onMail: () => void; onEvents: () => void },
): Promise<Bus> {
  const bus = await startBus({
    name: 'counterfoil',
    file: join(directory, 'events.sqlite'),
    rules: busRules({ orderMails: settings.ORDER_MAILS === 'all', invoke, publish: onEvents, sendMails: onMail }),
    clock,
    log,
  });
  return keep(bus);
}

/**
 * Checks, before anything changes, that this checkout can migrate the database of an earlier run.
 * @throws MigrationError
 */
export async function checkMigrations(socketDir: string): Promise<void> {
  const { default: connect } = await import('postgres');
  const sql = connect({ host: socketDir, user: 'migrator', database: 'counterfoil', max: 1, fetch_types: false });
  try {
    const { problem } = await status({ sql, directory: shippedMigrations });
    if (problem !== undefined) throw problem;
  } finally {
    await sql.end();
  }
}

const tableSpecs = Object.entries(tables).map(([name, keys]) => ({ name, ...keys }));

/** The deployed definition, with the names of handlers in place of the functions' ARNs. */
export async function readDefinition(name: StateMachineName): Promise<object> {
  const text = await readFile(new URL(`../saga/${name}.asl.json`, import.meta.url), 'utf8');
  return JSON.parse(
    text.replace(/\$\{(\w+)\}/g, (_, name: string) => steps[name as StepName]?.handler ?? `\${${name}}`),
  );
}
