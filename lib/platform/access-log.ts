import { Console } from 'node:console';
import type { AccessLine } from '../contract/deploy/access-line.ts';
import { serviceName } from '../contract/deploy/metrics.ts';

type Sink = (text: string) => void;

const output = new Console({ stdout: process.stdout });
let sink: Sink = (text) => output.log(text);

/**
 * Writes the record of an access to standard output, whatever the log level is. On Lambda the record has left the
 * process when this returns.
 */
export function recordAccess(line: AccessLine): void {
  sink(JSON.stringify({ level: 'INFO', message: 'request', timestamp: line.at, service: serviceName, ...line }));
}

/** Replaces standard output. For the local stack's host and for tests; a function on AWS never calls it. */
export function useAccessSink(other: Sink): void {
  sink = other;
}
