import type { StateMachineName } from '../../../lib/contract/deploy/route.ts';
import type { ArmedFault, FaultName } from '../faults.ts';
import type { ProxyCounts } from '../rds-proxy/server.ts';
import type { PlannedJob } from '../scheduler.ts';
import type { Reading } from '../test-clock.ts';
import type { AlarmChange } from './alarm-watch.ts';

import type { KeptTrace } from './traces.ts';

export type { PlannedJob } from '../scheduler.ts';

/** A mail that a handler sent, without secrets. `at` is RFC 3339. */
export type SentMail = {
  at: string;
  to: string;
  subject: string;
  /** Of the API request that led to it. */
  correlationId: string | null;
  html: string;
  /** The file that goes with it; without its text when that is long. */
  attachment: { name: string; bytes: number; text: string | null } | null;
};

export type Parked = { id: string; type: string; rule: string; attempts: number; error: string };

/** What the console's thread may ask of the stack. */
export type StackCalls = {
  /** The folder of PostgreSQL's socket, which changes when the standby takes over. */
  postgresSocket(): string;
  /** RDS Proxy's endpoints by their names. */
  proxies(): Record<string, ProxyCounts>;
  clock(): Reading;
  advance(seconds: number): Promise<Reading>;
  armedFaults(): ArmedFault[];
  arm(name: FaultName): ArmedFault[];
  clearFaults(): ArmedFault[];
  mails(): SentMail[];
  /** Events that no consumer took. */
  parkedEvents(): Parked[];
  /** Delivers them once more. @returns how many */
  redriveEvents(): number;
  /** What functions waited for, see `keepTraces`. */
  traces(requestId: string, orderIds: string[], others: string[]): KeptTrace[];
  /** A statement that is in a trace; undefined when it is not kept any more. */
  statement(trace: number, span: number): string | undefined;
  jobs(): PlannedJob[];
  runJob(name: string): Promise<void>;
  /** Tells people that alarms have changed. */
  tellOfAlarms(changes: readonly AlarmChange[]): Promise<void>;
};

/** The same from another thread. */
export type RemoteStack = {
  [K in keyof StackCalls]: (...args: Parameters<StackCalls[K]>) => Promise<Awaited<ReturnType<StackCalls[K]>>>;
};

/** What the thread of the console starts with. */
export type ConsoleData = {
  socket: string;
  logFile: string;
  /** Folder of compiled modules. */
  compileCache: string;
  demoFile: string;
  baseUrl: string;
  /** When the stack was started, by the machine's clock in milliseconds since the epoch. */
  startedAt: number;
  statesEndpoint: string;
  dynamoEndpoint: string;
  machines: Record<StateMachineName, { arn: string; definition: object }>;
};

export type ToConsole =
  | { kind: 'answer'; id: number; result?: unknown; error?: { name: string; message: string } }
  /** From now on, look at the alarms each minute. */
  | { kind: 'watch' };
export type FromConsole = { kind: 'ready' } | { kind: 'ask'; id: number; call: keyof StackCalls; args: unknown[] };
