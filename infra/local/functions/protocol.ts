import type { Mail } from '../../../lib/accounts/mail/mailer.ts';
import type { Reading } from '../test-clock.ts';

/** What the supervising thread and the thread that hosts the functions say to each other. */
export type ToHost =
  | { kind: 'invoke'; id: number; handler: string; payload: string; timeoutSeconds: number }
  | { kind: 'listen'; port: number }
  /** The time from now on: milliseconds that the clock is ahead of the machine's. */
  | { kind: 'clock'; ahead: number }
  | { kind: 'advanced'; id: number; reading: Reading }
  | { kind: 'not-advanced'; id: number; error: { name: string; message: string } }
  | { kind: 'stop' };

/** What the thread that hosts the functions begins with. */
export type HostData = { ahead: number };

export type FromHost =
  | { kind: 'invoked'; id: number; result: string }
  | { kind: 'failed'; id: number; error: { name: string; message: string; stack: string | undefined } }
  | { kind: 'listening'; port: number }
  | { kind: 'not-listening'; code: string; message: string }
  | { kind: 'clock-set' }
  /** Somebody asks for the clock to be moved, everywhere. */
  | { kind: 'advance'; id: number; seconds: number }
  /** A mail that a customer would get. */
  | { kind: 'mail'; mail: Mail }
  /** A handler has printed the record of an access: a line of JSON. */
  | { kind: 'access'; line: string }
  | { kind: 'request'; method: string; path: string; status: number; milliseconds: number };
