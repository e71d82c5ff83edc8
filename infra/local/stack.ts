import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobs } from '../../functions/jobs.ts';
import { stateMachines } from '../../lib/contract/deploy/route.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { startShipper } from './backup/shipper.ts';
import { messageOf } from './console/alarm-watch.ts';
import { openMailbox, toParked } from './console/mailbox.ts';
import type { ConsoleData } from './console/protocol.ts';
import { startConsole } from './console/start.ts';
import { keepTraces } from './console/traces.ts';
import { createFaults } from './faults.ts';
import { type Functions, startFunctions } from './functions/start.ts';
import { environmentOf, machineArnOf } from './functions-environment.ts';
import { startJobs } from './jobs.ts';
import { clusterFolders, readerFolder } from './postgres/primary.ts';
import { createReader } from './postgres/reader.ts';
import { removePostgresData } from './postgres/start.ts';
import { showStatements } from './postgres/statements.sql.ts';
import { startReportFiles } from './report-files/start.ts';
import {
  checkMigrations,
  type Invoke,
  type Keep,
  openAccessLines,
  openBus,
  openTables,
  readDefinition,
  startProvider,
  startProxy,
  startStores,
} from './stack-parts.ts';
import type { Stack, StackOptions } from './stack-types.ts';
import { startStates } from './states/start.ts';
import { createTestClock, openClock, readingOf } from './test-clock.ts';
import { startWarehouse } from './warehouse/start.ts';

export type { Stack, StackOptions };

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

  const scheduler = keep(
    startJobs({
      invoke,
      refreshKeys: provider !== undefined,
      // The folder is there from the first question for a report, so that a restart does not forget it.
      askedForReports: existsSync(at('warehouse')),
      onReports: () => mkdirSync(at('warehouse'), { recursive: true }),
      warehouse: true,
      clock,
      log,
    }),
  );
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
        proxies: () => ({ writer: proxy.counts(), reader: readerProxy.counts() }),
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

/** Deletes everything that a stack has stored in this folder, but for backups. */
export async function resetStack(directory: string): Promise<void> {
  for (const folder of [...clusterFolders, readerFolder]) await removePostgresData(join(directory, folder));
  const names: string[] = await readdir(directory).catch(() => []);
  for (const name of names) if (name !== 'backups') await rm(join(directory, name), { recursive: true, force: true });
  if (!names.includes('backups')) await rm(directory, { recursive: true, force: true });
}
