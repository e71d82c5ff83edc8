import type { Mail } from '../../../lib/accounts/mail/mailer.ts';
import type { Reading } from '../test-clock.ts';
import type { Trace } from './trace.ts';

/** Messages from the supervising thread to the thread that hosts the functions. */
export type ToHost =
  | { kind: 'invoke'; id: number; handler: string; payload: string; timeoutSeconds: number }
  | { kind: 'listen'; port: number; host: string | undefined; demoFile: string }
  /** Milliseconds that the clock is ahead of the machine's from now on. */
  | { kind: 'clock'; ahead: number }
  | { kind: 'advanced'; id: number; reading: Reading }
  | { kind: 'not-advanced'; id: number; error: { name: string; message: string } }
  /** The socket of the console, or why it has none. */
  | { kind: 'console'; socket: string | undefined; error: string | undefined }
  /** From now on the calls of functions are traced. */
  | { kind: 'trace' }
  | { kind: 'stop' };

/** What the thread that hosts the functions starts with. */
export type HostData = {
  ahead: number;
  logFile: string;
  measures: boolean;
  /** File for what the functions ask of AWS. */
  callsFile: string | undefined;
};

/** Messages from the thread that hosts the functions to the supervising thread. */
export type FromHost =
  | { kind: 'invoked'; id: number; result: string }
  | { kind: 'failed'; id: number; error: { name: string; message: string; stack: string | undefined } }
  | { kind: 'listening'; port: number }
  | { kind: 'not-listening'; code: string; message: string }
  | { kind: 'clock-set' }
  /** A request to move the clock of the whole stack. */
  | { kind: 'advance'; id: number; seconds: number }
  /** Somebody has opened the console. */
  | { kind: 'console' }
  /** An e-mail to a customer. */
  | { kind: 'mail'; mail: Mail }
  /** A handler has printed the record of an access: a line of JSON. */
  | { kind: 'access'; line: string }
  /** A function has run alone or beside others: how long, and how long the thread was busy meanwhile. */
  | { kind: 'ran'; handler: string; milliseconds: number; processorMilliseconds: number }
  /** What a function waited for while it ran. */
  | { kind: 'traced'; trace: Trace }
  | { kind: 'request'; method: string; path: string; status: number; milliseconds: number };
