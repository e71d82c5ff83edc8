import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { consumers } from '../../functions/consumers.ts';
import { jobs } from '../../functions/jobs.ts';
import { type StepName, steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import type { Mail } from '../../lib/accounts/mail/mailer.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { type StateMachineName, stateMachines, stateMachineVariables } from '../../lib/contract/deploy/route.ts';
import { tables, tableVariable } from '../../lib/contract/deploy/tables.ts';
import { outboxDue, outboxSource } from '../../lib/contract/events/define-event.ts';
import { shippedMigrations, status } from '../../lib/database/migrate.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { isActive, patternOf } from '../events.ts';
import { startShipper } from './backup/shipper.ts';
import { type Bus, startBus } from './bus/start.ts';
import { type Certificate, loadCertificate } from './certificate.ts';
import type { MovableClock } from './clock.ts';
import { messageOf } from './console/alarm-watch.ts';
import { openMailbox, toParked } from './console/mailbox.ts';
import type { ConsoleData } from './console/protocol.ts';
import { startConsole } from './console/start.ts';
import { keepTraces } from './console/traces.ts';
import { readDemo } from './demo.ts';
import { type LocalDynamo, startDynamo } from './dynamo/start.ts';
import { createTables } from './dynamo/tables.ts';
import { localStage } from './environment.ts';
import { createFaults, type Faults } from './faults.ts';
import { type AccessLines, lastAccessLines, startAccessLines } from './functions/access-lines.ts';
import type { FromHost } from './functions/protocol.ts';
import { type Functions, startFunctions } from './functions/start.ts';
import { type Identity, startIdentity } from './identity/start.ts';
import { startJobs } from './jobs.ts';
import { clusterFolders, readerFolder } from './postgres/primary.ts';
import { createReader, type Reader } from './postgres/reader.ts';
import { removePostgresData } from './postgres/start.ts';
import { showStatements } from './postgres/statements.sql.ts';
import { supervisePostgres } from './postgres/supervise.ts';
import { type RdsProxy, startRdsProxy } from './rds-proxy/server.ts';
import { type LocalReportFiles, startReportFiles } from './report-files/start.ts';
import { type States, startStates } from './states/start.ts';
import { createTestClock, openClock, readingOf, type TestClock } from './test-clock.ts';
import { type LocalWarehouse, startWarehouse } from './warehouse/start.ts';

export const region = 'eu-west-1';
/** One process serves everything here, so an order without a change for this long was left by a killed one. */
export const sweepAfterSeconds = 2;
const machineArnOf = (name: StateMachineName) =>
  `arn:aws:states:${region}:000000000000:stateMachine:counterfoil-local-order-${name}`;

export type StackOptions = {
  /** Folder for everything that the stack stores. */
  directory: string;
  /** Port of the gateway; 0 takes a free port. */
  port: number;
  /** What the gateway listens on; by default this machine's own addresses, which no other machine can reach. */
  host?: string;
  /** Port of the stack's own OpenID provider; 0 takes a free port. Without it there is no provider. */
  identityPort?: number;
  /** Environment variables of the functions that replace or extend the stack's own. */
  settings?: Record<string, string>;
  /** Whether a standby of PostgreSQL runs, which takes over when the primary ends. */
  standby?: boolean;
  /** Settings of PostgreSQL that replace or extend those for a laptop. */
  postgresSettings?: Record<string, string>;
  /** The folder of a package with the programs of another version of PostgreSQL. */
  postgresPrograms?: string | undefined;
  log?: (line: string) => void;
  onRequest?: (line: Extract<FromHost, { kind: 'request' }>) => void;
  /** Gets how long each run of a function took, and how long its thread was busy meanwhile. */
  onRun?: (run: Extract<FromHost, { kind: 'ran' }>) => void;
  /** Gets each e-mail to a customer. None is sent. */
  onMail?: (mail: Mail) => void;
  /** A part has ended by itself and cannot be restarted. The stack no longer works. */
  onCrash?: (error: unknown) => void;
  /** Factor on the pauses of the saga's retries: 1 is real time. */
  waitScale?: number;
};

export type Stack = {
  baseUrl: string;
  port: number;
  /** The parts, for tests, benchmarks and the demo shop. */
  inside: {
    socketPath: string;
    dynamoEndpoint: string;
    statesEndpoint: string;
    dynamo: DynamoDBClient;
    dynamoCalls: () => Record<string, number>;
    /** The functions' environment variables. */
    env: Record<string, string>;
    /** Runs one job now. */
    runJob: (name: string) => Promise<unknown>;
    /** From now on jobs run only by `runJob`, and events stay in the outbox. Waits for running jobs, at most a second. */
    stopSchedule: () => Promise<void>;
    clock: MovableClock;
    /** Moves the clock of the whole stack. */
    advanceClock: TestClock['advance'];
    /** What can be made to go wrong. */
    faults: Faults;
    /** From now on, people are notified of alarms that change. Nobody pays for that before. */
    watchAlarms: () => Promise<void>;
    /** Kills the functions' thread in the middle of its work. */
    killFunctions: () => Promise<void>;
    /** Of the postmaster that takes writes now. */
    postgresPid: () => number;
    /** Resolves when the standby has every transaction that is confirmed from then on. */
    standbyReady: () => Promise<void>;
    /** Of the standby's postmaster, when it has caught up. */
    standbyPid: () => number | undefined;
    /** The stand-in for Aurora's reader. */
    reader: Reader;
    /** Resolves when no saga runs, or every running one waits for a callback. */
    sagasIdle: () => Promise<void>;
    /** Publishes what the outbox holds, and resolves when the consumers have taken it. */
    eventsDelivered: () => Promise<void>;
    /** The stand-in for EventBridge. */
    bus: Bus;
    /** Resolves when every access record so far is in the database. */
    accessesRecorded: () => Promise<void>;
    firstRun: boolean;
    /** The OpenID issuer whose tokens are accepted, if any. */
    issuer: string | undefined;
  };
  /** Stops everything, in the reverse order of starting. Data stays. */
  stop(): Promise<void>;
};

/**
 * Starts the whole product on this machine: PostgreSQL behind a stand-in for RDS Proxy, DynamoDB, Step Functions,
 * schedules, the functions and their gateway. When a part cannot start, those that have started are stopped.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  await using parts = new AsyncDisposableStack();
  const keep: Keep = (part) => {
    parts.defer(() => part.stop());
    return part;
  };
  const { log = () => {}, onCrash = () => {} } = options;
  const at = (name: string) => join(options.directory, name);
  await mkdir(options.directory, { recursive: true });
  // Root's PostgreSQL runs as another user, who has to pass.
  await chmod(options.directory, process.getuid?.() === 0 ? 0o711 : 0o700);
  const clock = openClock(at('clock.json'));
  // Known to this process alone: the functions sign with it, and the proxy verifies with it.
  const credentials = { accessKeyId: 'LOCALCOUNTERFOIL', secretAccessKey: randomBytes(30).toString('base64url') };
  log('starting PostgreSQL and DynamoDB');
  const { postgres, dynamo, certificate } = await startStores(options, clock, keep);
  if (!postgres.firstRun) await checkMigrations(dirname(postgres.socketPath()));
  keep(startShipper(postgres.spoolFolder, log));
  const proxy = keep(await startProxy(postgres.socketPath, certificate, credentials));
  const { primary } = postgres;
  const reader = keep(
    createReader({
      directory: options.directory,
      primary,
      log,
      settings: options.postgresSettings ?? {},
      programs: options.postgresPrograms,
    }),
  );
  const readerProxy = keep(await startProxy(reader.socketPath, certificate, credentials));
  const dynamoClient = await openTables(dynamo, credentials, keep);

  // Calls of functions wait for the migrations. The sagas that continue call functions before that.
  const ready = Promise.withResolvers<Functions>();
  const invoke: Invoke = async (handler, payload, timeoutSeconds) =>
    (await ready.promise).invoke(handler, payload, timeoutSeconds);
  const accessLines = await openAccessLines(at('functions.log'), invoke, log);
  // The functions start with the provider's address. The provider reads theirs later, from here.
  const api = { baseUrl: '' };
  const provider = await startProvider(options, api, keep);
  // Sagas that continue begin before the schedule does.
  let [publish, sendMails] = [() => {}, () => {}];
  const definitions = await Promise.all(stateMachines.map(readDefinition));
  const faults = createFaults({
    killFunctions: () => functions.kill(),
    cutDynamo: dynamo.cut,
    pauseReplication: reader.pause,
    log,
  });
  const states = await startStates({
    machines: stateMachines.map((name, i) => ({
      stateMachineArn: machineArnOf(name),
      definition: definitions[i]!,
      file: at(`states-${name}.sqlite`),
    })),
    invoke: (handler, payload) => faults.deliver(handler, payload, (given) => invoke(handler, given, 30)),
    onChange: () => publish(),
    clock,
    log,
    waitScale: options.waitScale,
  });
  const bus = await openBus(options, invoke, {
    clock,
    keep,
    onMail: () => sendMails(),
    onEvents: () => publish(),
  });
  const warehouse = keep(await startWarehouse(at('warehouse')));
  const reportFiles = keep(await startReportFiles({ folder: at('report-files'), credentials, clock }));
  const env: Record<string, string> = {
    ...environmentOf({
      dynamo,
      states,
      bus,
      proxy,
      readerProxy,
      warehouse,
      reportFiles,
      certificate,
      credentials,
      provider,
    }),
    COMPILE_CACHE: at('compile-cache'),
    ...options.settings,
  };
  const mailbox = openMailbox(clock);
  const traces = keepTraces();
  const startedAt = Date.now();
  const functions = keep(
    startFunctions({
      logFile: at('functions.log'),
      env,
      ahead: clock.ahead,
      log,
      onCrash,
      onAccess: accessLines.add,
      onAdvance: (seconds) => testClock.advance(seconds),
      onRequest: (line) => {
        options.onRequest?.(line);
        scheduler.afterRequest(line);
      },
      onMail: (mail) => {
        mailbox.add(mail);
        options.onMail?.(mail);
      },
      onConsole: () => {
        functions.trace();
        return consolePage.open();
      },
      onTraced: traces.add,
      onRun: options.onRun,
      callsFile: process.env.RECORD_CALLS,
    }),
  );
  keep(accessLines);
  keep(states); // Stops before the functions, so that no step is cut off and counts as failed.
  log('applying migrations');
  await functions.invoke(jobs.migrate.handler, {}, jobs.migrate.timeoutSeconds);
  if (options.postgresSettings?.shared_preload_libraries?.includes('pg_stat_statements'))
    await showStatements(dirname(postgres.socketPath()));
  ready.resolve(functions);

  const scheduler = keep(startJobs({ invoke, refreshKeys: provider !== undefined, clock, log }));
  [publish, sendMails] = [scheduler.publish, scheduler.sendMails];
  publish(); // What a killed run has left.
  const testClock = createTestClock(clock, at('clock.json'), { functions, dynamo, scheduler });
  const port = await functions.listen({ port: options.port, host: options.host, demoFile: at('demo.json') });
  const consolePage = keep(
    startConsole({
      directory: options.directory,
      log,
      data: () => ({
        logFile: at('functions.log'),
        compileCache: at('compile-cache'),
        startedAt,
        demoFile: at('demo.json'),
        baseUrl: api.baseUrl,
        statesEndpoint: states.endpoint,
        dynamoEndpoint: dynamo.endpoint,
        machines: Object.fromEntries(
          stateMachines.map((name, i) => [name, { arn: machineArnOf(name), definition: definitions[i]! }]),
        ) as ConsoleData['machines'],
      }),
      calls: {
        postgresSocket: () => dirname(postgres.socketPath()),
        clock: () => readingOf(clock),
        advance: testClock.advance,
        armedFaults: faults.armed,
        arm(name) {
          faults.arm(name);
          return faults.armed();
        },
        clearFaults() {
          faults.clear();
          return faults.armed();
        },
        mails: mailbox.list,
        parkedEvents: () => bus.parked().map(toParked),
        redriveEvents: bus.redrive,
        traces: traces.of,
        statement: (id, span) => traces.find(id)?.spans[span]?.what,
        jobs: scheduler.planned,
        runJob: async (name) => void (await scheduler.trigger(name)),
        // As SNS does: what was not told is tried again.
        async tellOfAlarms(changes) {
          const message = messageOf(changes, toTimestamp(clock.now()));
          const { handler, timeoutSeconds } = jobs['send-notices'];
          const tell = () => invoke(handler, message, timeoutSeconds);
          await tell().catch(() => sleep(60_000, undefined, { ref: false }).then(tell));
        },
      },
    }),
  );
  const anyAddress = options.host === undefined || ['0.0.0.0', '::'].includes(options.host);
  api.baseUrl = `http://${anyAddress ? 'localhost' : options.host}:${port}`;
  const inside: Stack['inside'] = {
    get socketPath() {
      return postgres.socketPath();
    },
    dynamoEndpoint: dynamo.endpoint,
    statesEndpoint: states.endpoint,
    dynamo: dynamoClient,
    dynamoCalls: dynamo.calls,
    env,
    runJob: scheduler.trigger,
    stopSchedule: scheduler.stop,
    clock,
    advanceClock: testClock.advance,
    faults,
    watchAlarms: consolePage.watchAlarms,
    killFunctions: () => functions.kill(),
    postgresPid: postgres.pid,
    standbyReady: postgres.standbyReady,
    standbyPid: postgres.standbyPid,
    reader,
    sagasIdle: states.idle,
    eventsDelivered: async () => {
      await scheduler.trigger('publish-events');
      await bus.idle();
    },
    bus,
    accessesRecorded: () => accessLines.settle(10_000),
    firstRun: postgres.firstRun,
    issuer: env.IDENTITY_ISSUER,
  };
  const running = parts.move();
  return { baseUrl: api.baseUrl, port, inside, stop: () => running.disposeAsync() };
}

/** Stops a part when the stack stops, in the reverse order of starting. Returns the part. */
type Keep = <T extends { stop(): Promise<void> }>(part: T) => T;
type Invoke = (handler: string, payload: unknown, timeoutSeconds: number) => Promise<unknown>;
type Credentials = { accessKeyId: string; secretAccessKey: string };

async function startStores(options: StackOptions, clock: MovableClock, keep: Keep) {
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

async function openTables({ endpoint }: LocalDynamo, credentials: Credentials, keep: Keep): Promise<DynamoDBClient> {
  const client = new DynamoDBClient({ region, endpoint, credentials });
  keep({ stop: async () => client.destroy() });
  await createTables(client, tableSpecs);
  return client;
}

/** Tokens and certificates go by the machine's time: the SDK and TLS, which make and check them, know no other. */
function startProxy(
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
async function startProvider({ directory, identityPort }: StackOptions, api: { baseUrl: string }, keep: Keep) {
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
async function openAccessLines(logFile: string, invoke: Invoke, log: (line: string) => void): Promise<AccessLines> {
  const { handler, timeoutSeconds } = streams['record-access'];
  const lines = startAccessLines({ deliver: (payload) => invoke(handler, payload, timeoutSeconds), log });
  for (const line of await lastAccessLines(logFile)) lines.add(line);
  return lines;
}

/** The event bus with the rules of the consumer table, as the settings ask for them. */
async function openBus(
  { directory, settings = {}, log = () => {} }: StackOptions,
  invoke: Invoke,
  { clock, keep, onMail, onEvents }: { clock: MovableClock; keep: Keep; onMail: () => void; onEvents: () => void },
): Promise<Bus> {
  const active = Object.values(consumers).filter((row) =>
    isActive(row, { orderMails: settings.ORDER_MAILS === 'all' }),
  );
  const bus = await startBus({
    name: 'counterfoil',
    file: join(directory, 'events.sqlite'),
    rules: [
      {
        name: 'publish-events',
        pattern: { source: [outboxSource], 'detail-type': [outboxDue] },
        atOnce: 1,
        deliver: async () => onEvents(),
      },
      ...active.map((consumer) => ({
        name: consumer.name,
        pattern: patternOf(consumer),
        atOnce: consumer.atOnce,
        deliver: async (event: unknown) => {
          await invoke(consumer.handler, event, consumer.timeoutSeconds);
          if (consumer.writesMails) onMail();
        },
      })),
    ],
    clock,
    log,
  });
  return keep(bus);
}

type Endpoints = {
  dynamo: LocalDynamo;
  states: States;
  bus: Bus;
  proxy: RdsProxy;
  readerProxy: RdsProxy;
  warehouse: LocalWarehouse;
  reportFiles: LocalReportFiles;
  certificate: Certificate;
  credentials: Credentials;
  provider: Identity | undefined;
};

/** The functions' environment variables, as the deployed functions have them. */
const environmentOf = ({
  dynamo,
  states,
  bus,
  warehouse,
  reportFiles,
  certificate,
  credentials,
  provider,
  ...proxies
}: Endpoints) => ({
  AWS_REGION: region,
  STAGE: localStage,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
  AWS_ENDPOINT_URL_SFN: states.endpoint,
  AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
  DATABASE_HOST: proxies.proxy.host,
  DATABASE_PORT: String(proxies.proxy.port),
  DATABASE_READER_HOST: proxies.readerProxy.host,
  DATABASE_READER_PORT: String(proxies.readerProxy.port),
  AWS_ENDPOINT_URL_S3: warehouse.url,
  AWS_ENDPOINT_URL_ATHENA: warehouse.url,
  WAREHOUSE_BUCKET: 'counterfoil-local-warehouse',
  REPORT_FILES_BUCKET: reportFiles.bucket,
  REPORT_FILES_URL: reportFiles.endpoint,
  DATABASE_CA_FILE: certificate.caFile,
  DATABASE_POOL_SIZE: '12',
  ...Object.fromEntries(stateMachines.map((name) => [stateMachineVariables[name], machineArnOf(name)])),
  // Receivers run on the laptop.
  WEBHOOK_TARGETS: 'any',
  NOTICE_MAIL: 'duty@example.com',
  PAYMENT_TIMEOUT_MS: '1000',
  SWEEP_AFTER_SECONDS: String(sweepAfterSeconds),
  ...(provider === undefined ? {} : { IDENTITY_ISSUER: provider.issuer }),
  ...Object.fromEntries(Object.keys(tables).map((table) => [tableVariable(table), table])),
});

/**
 * Checks, before anything changes, that this checkout can migrate the database of an earlier run.
 * @throws MigrationError
 */
async function checkMigrations(socketDir: string): Promise<void> {
  const { default: connect } = await import('postgres');
  const sql = connect({ host: socketDir, user: 'migrator', database: 'counterfoil', max: 1, fetch_types: false });
  try {
    const { problem } = await status({ sql, directory: shippedMigrations });
    if (problem !== undefined) throw problem;
  } finally {
    await sql.end();
  }
}

/** Deletes everything that a stack has stored in this folder, but for backups. */
export async function resetStack(directory: string): Promise<void> {
  for (const folder of [...clusterFolders, readerFolder]) await removePostgresData(join(directory, folder));
  const names: string[] = await readdir(directory).catch(() => []);
  for (const name of names) if (name !== 'backups') await rm(join(directory, name), { recursive: true, force: true });
  if (!names.includes('backups')) await rm(directory, { recursive: true, force: true });
}

const tableSpecs = Object.entries(tables).map(([name, keys]) => ({ name, ...keys }));

/** The deployed definition, with the names of handlers in place of the functions' ARNs. */
async function readDefinition(name: StateMachineName): Promise<object> {
  const text = await readFile(new URL(`../saga/${name}.asl.json`, import.meta.url), 'utf8');
  return JSON.parse(
    text.replace(/\$\{(\w+)\}/g, (_, name: string) => steps[name as StepName]?.handler ?? `\${${name}}`),
  );
}
