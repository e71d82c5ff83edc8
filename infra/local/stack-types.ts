import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Mail } from '../../lib/accounts/mail/mailer.ts';
import type { Bus } from './bus/start.ts';
import type { MovableClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { FromHost } from './functions/protocol.ts';
import type { Reader } from './postgres/reader.ts';
import type { TestClock } from './test-clock.ts';

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
