import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { jobs } from '../../functions/jobs.ts';
import { type StepName, steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import type { Mail } from '../../lib/accounts/mail/mailer.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { type StateMachineName, stateMachines, stateMachineVariables } from '../../lib/contract/deploy/route.ts';
import { tables, tableVariables } from '../tables.ts';
import { loadCertificate } from './certificate.ts';
import type { MovableClock } from './clock.ts';
import { readDemo } from './demo.ts';
import { startDynamo } from './dynamo/start.ts';
import { createTables } from './dynamo/tables.ts';
import { lastAccessLines, startAccessLines } from './functions/access-lines.ts';
import type { FromHost } from './functions/protocol.ts';
import { type Functions, startFunctions } from './functions/start.ts';
import { startIdentity } from './identity/start.ts';
import { startLastingPostgres } from './postgres/lasting.ts';
import { removePostgresData } from './postgres/start.ts';
import { startRdsProxy } from './rds-proxy/server.ts';
import { startScheduler } from './scheduler.ts';
import { startStates } from './states/start.ts';
import { createTestClock, openClock, type TestClock } from './test-clock.ts';

export const region = 'eu-west-1';
/** One process serves everything here: an order that nobody has touched for so long has been left by a killed one. */
export const sweepAfterSeconds = 2;
/** A provider that starts over may have other keys: nobody on a laptop waits five minutes for them. */
const refreshEveryMs = 10_000;
const machineArnOf = (name: StateMachineName) =>
  `arn:aws:states:${region}:000000000000:stateMachine:counterfoil-local-order-${name}`;

export type StackOptions = {
  /** Folder that holds everything the stack keeps. */
  directory: string;
  /** Port of the gateway; 0 takes a free one. */
  port: number;
  /** Port of an OpenID provider of the stack's own, 0 for a free one; there is none without it. */
  identityPort?: number;
  /** Settings of the functions beyond the stack's own, by environment variable. */
  settings?: Record<string, string>;
  /** Settings of PostgreSQL beyond those for a laptop. */
  postgresSettings?: Record<string, string>;
  log?: (line: string) => void;
  onRequest?: (line: Extract<FromHost, { kind: 'request' }>) => void;
  /** A mail to a customer, in place of sending it. */
  onMail?: (mail: Mail) => void;
  /** Something that must run has ended by itself; the stack is no use any more. */
  onCrash?: (error: unknown) => void;
  /** Factor on the pauses of the saga's retries: 1 is real time. */
  waitScale?: number;
};

export type Stack = {
  baseUrl: string;
  port: number;
  /** Where things are, for whoever wants to look inside: tests, benchmarks, the first app key. */
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
    /** From here on jobs run only by `runJob`. One that runs is waited for, at most a second. */
    stopSchedule: () => Promise<void>;
    clock: MovableClock;
    /** Moves the clock of everything here. */
    advanceClock: TestClock['advance'];
    /** Kills the functions' thread in the middle of whatever it does. */
    killFunctions: () => Promise<void>;
    /** Of the postmaster. */
    postgresPid: () => number;
    /** Resolves when no saga runs or all that run wait for a callback. */
    sagasIdle: () => Promise<void>;
    /** Resolves when what was printed so far of accesses is in the database. */
    accessesRecorded: () => Promise<void>;
    firstRun: boolean;
    /** The OpenID issuer whose tokens are taken, if there is one. */
    issuer: string | undefined;
  };
  /** Ends everything, in the reverse order of starting. Data stays. */
  stop(): Promise<void>;
};

/**
 * Starts the whole product on this machine: PostgreSQL behind an RDS Proxy stand-in, DynamoDB, Step Functions,
 * schedules, the functions and their gateway. What was started is stopped again when something cannot be.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { directory, log = () => {}, onCrash = () => {} } = options;
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  const kept = <T extends { stop(): Promise<unknown> }>(part: T): T => {
    stops.push(() => part.stop());
    return part;
  };

  try {
    await mkdir(directory, { recursive: true });
    const at = (name: string) => join(directory, name);
    const clockFile = at('clock.json');
    const clock = openClock(clockFile);
    log('starting PostgreSQL and DynamoDB');
    const starting = [
      startLastingPostgres({
        dataDir: at('postgres'),
        log,
        settings: options.postgresSettings ?? {},
        onCrash,
      }).then(kept),
      startDynamo({ path: at('dynamo'), clock }).then(kept),
      loadCertificate(at('tls')),
    ] as const;
    await Promise.allSettled(starting); // So that what did start is known, and stopped, when another could not.
    const [postgres, dynamo, certificate] = await Promise.all(starting);

    // Known to this process alone: the functions sign with it, and the proxy checks by it.
    const identity = { accessKeyId: 'LOCALCOUNTERFOIL', secretAccessKey: randomBytes(30).toString('base64url') };
    // Tokens and certificates stay on the machine's time: the SDK and TLS, which make and check them, know no other.
    const proxy = kept(
      await startRdsProxy({
        host: 'localhost',
        region,
        cert: certificate.cert,
        key: certificate.key,
        backendSocketPath: postgres.socketPath,
        principals: (accessKeyId) =>
          accessKeyId === identity.accessKeyId
            ? { secretAccessKey: identity.secretAccessKey, dbUsers: [...databaseRoles] }
            : undefined,
      }),
    );

    const dynamoClient = new DynamoDBClient({ region, endpoint: dynamo.endpoint, credentials: identity });
    stops.push(async () => dynamoClient.destroy());
    await createTables(dynamoClient, tableSpecs);

    // Whoever calls a function before the migrations are through waits for them: a saga that goes on, above all.
    const ready = Promise.withResolvers<Functions>();
    ready.promise.catch(() => {});
    const invoke = async (handler: string, payload: unknown, timeoutSeconds: number) =>
      (await ready.promise).invoke(handler, payload, timeoutSeconds);
    const states = await startStates({
      machines: await Promise.all(
        stateMachines.map(async (name) => ({
          stateMachineArn: machineArnOf(name),
          definition: await readDefinition(name),
          file: at(`states-${name}.sqlite`),
        })),
      ),
      invoke: (handler, payload) => invoke(handler, payload, 30),
      clock,
      log,
      ...(options.waitScale === undefined ? {} : { waitScale: options.waitScale }),
    });
    // Known a little later than it is asked for: the provider must be there before the functions, which it tells of.
    let baseUrl = '';
    const provider =
      options.identityPort === undefined
        ? undefined
        : kept(
            await startIdentity({
              port: options.identityPort,
              keyFile: at('identity-key.json'),
              api: async () => {
                const demo = await readDemo(at('demo.json'));
                return { baseUrl, headers: demo === undefined ? {} : { 'client-id': demo.clientId } };
              },
            }),
          );
    const env: Record<string, string> = {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: identity.accessKeyId,
      AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      AWS_ENDPOINT_URL_SFN: states.endpoint,
      DATABASE_HOST: proxy.host,
      DATABASE_PORT: String(proxy.port),
      DATABASE_CA_FILE: certificate.caFile,
      DATABASE_POOL_SIZE: '12',
      ...Object.fromEntries(stateMachines.map((name) => [stateMachineVariables[name], machineArnOf(name)])),
      PAYMENT_TIMEOUT_MS: '1000',
      SWEEP_AFTER_SECONDS: String(sweepAfterSeconds),
      COMPILE_CACHE: at('compile-cache'),
      ...(provider === undefined ? {} : { IDENTITY_ISSUER: provider.issuer }),
      ...Object.fromEntries(Object.entries(tableVariables).map(([table, name]) => [name, table])),
      ...options.settings,
    };
    let postman: (() => Promise<void>) | undefined;
    const recordAccess = streams['record-access'];
    const accessLines = startAccessLines({
      deliver: (payload) => invoke(recordAccess.handler, payload, recordAccess.timeoutSeconds),
      log,
    });
    // What a run that was killed could not hand on any more; a line that is known changes nothing.
    for (const line of await lastAccessLines(at('functions.log'))) accessLines.add(line);
    const functions = kept(
      startFunctions({
        logFile: at('functions.log'),
        env,
        ahead: clock.ahead,
        onAccess: accessLines.add,
        onAdvance: (seconds) => testClock.advance(seconds),
        log,
        onCrash,
        onRequest: (line) => {
          options.onRequest?.(line);
          if (mayHaveMailed(line)) void postman?.();
        },
        ...(options.onMail === undefined ? {} : { onMail: options.onMail }),
      }),
    );
    stops.push(async () => {
      await accessLines.settle(500);
      accessLines.stop();
    });
    kept(states); // Stops before the functions, so that no step is cut off and taken for failed.
    log('applying migrations');
    await functions.invoke(jobs.migrate.handler, {}, jobs.migrate.timeoutSeconds);
    ready.resolve(functions);

    const scheduler = kept(
      startScheduler({
        log,
        clock,
        jobs: Object.values(jobs)
          .filter(({ schedule }) => schedule !== 'on-deploy')
          .map((job) => ({
            name: job.name,
            schedule: job.schedule,
            run: () => invoke(job.handler, {}, job.timeoutSeconds),
          })),
      }),
    );
    postman = createPostman(() => scheduler.trigger('send-mails'));
    const testClock = createTestClock(clock, clockFile, { functions, dynamo, scheduler });
    if (provider !== undefined) {
      const again = () => void scheduler.trigger('refresh-issuer-keys').catch(() => {});
      const often = setInterval(again, refreshEveryMs);
      stops.push(async () => clearInterval(often));
    }
    const port = await functions.listen(options.port);
    baseUrl = `http://localhost:${port}`;
    return {
      baseUrl,
      port,
      inside: {
        socketPath: postgres.socketPath,
        dynamoEndpoint: dynamo.endpoint,
        statesEndpoint: states.endpoint,
        dynamo: dynamoClient,
        dynamoCalls: dynamo.calls,
        env,
        runJob: scheduler.trigger,
        stopSchedule: scheduler.stop,
        clock,
        advanceClock: testClock.advance,
        killFunctions: functions.kill,
        postgresPid: postgres.pid,
        sagasIdle: states.idle,
        accessesRecorded: () => accessLines.settle(10_000),
        firstRun: postgres.firstRun,
        issuer: env.IDENTITY_ISSUER,
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Requests about accounts write mails. A laptop does not wait for the schedule to send them. */
const mayHaveMailed = ({ method, path, status }: { method: string; path: string; status: number }): boolean =>
  method === 'POST' && status < 300 && /^\/(customers|password-resets)\b/.test(path);

/** Has mails sent, and once more when more were written meanwhile. */
function createPostman(send: () => Promise<unknown>): () => Promise<void> {
  let [walking, again] = [false, false];
  return async () => {
    again = true;
    if (walking) return;
    walking = true;
    while (again) {
      again = false;
      await send().catch(() => {}); // The schedule comes by again.
    }
    walking = false;
  };
}

/** Throws away everything that a stack kept in this folder. */
export async function resetStack(directory: string): Promise<void> {
  await removePostgresData(join(directory, 'postgres'));
  await rm(directory, { recursive: true, force: true });
}

const tableSpecs = Object.entries(tables).map(([name, keys]) => ({ name, ...keys }));

/** The definition that is deployed, with the steps' handlers in place of the functions' ARNs. */
async function readDefinition(name: StateMachineName): Promise<object> {
  const text = await readFile(new URL(`../saga/${name}.asl.json`, import.meta.url), 'utf8');
  return JSON.parse(
    text.replace(/\$\{(\w+)\}/g, (_, name: string) => steps[name as StepName]?.handler ?? `\${${name}}`),
  );
}
