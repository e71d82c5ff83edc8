import { DependencyUnavailable } from './errors.ts';

/** Node's codes of a connection that did not come about, or is lost. */
export const networkCodes: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

const connectionCodes = new Set([
  ...networkCodes,
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
]);

/**
 * SQLSTATEs of a session that PostgreSQL ended: by an operator, a crash or a shutdown, or for idling in a transaction. A
 * session that may only read (25006) leads to a writer that is none any more: it is as good as ended.
 */
const sessionEnded = /^(08...|57P0[1-5]|25P0[34]|25006)$/;

/**
 * SQLSTATEs of transient failures: connection, resource and shutdown classes, time-outs, deadlock, serialization, a writer
 * that became a reader.
 */
const transientSqlState = /^(08|53|57|58)...$|^(25006|25P03|25P04|40001|40P01|55P03)$/;

/** Names of what AWS refuses because it is too much, or meets something else at the same moment. */
export const throttlingNames: ReadonlySet<string> = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

/** Whether an error means that a dependency is unavailable or overloaded, and not that the request is wrong. */
export function isOutage(error: unknown): boolean {
  if (error instanceof DependencyUnavailable) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    connectionCodes.has(code) ||
    transientSqlState.test(code) ||
    error.name === 'TimeoutError' ||
    throttlingNames.has(error.name) ||
    ('$fault' in error && error.$fault === 'server') ||
    (error instanceof AggregateError && error.errors.length > 0 && error.errors.every(isOutage))
  );
}

/** Whether an error means that a database connection is lost, so that the driver's next use of it cannot be trusted. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    connectionCodes.has(code) ||
    sessionEnded.test(code) ||
    (error instanceof AggregateError && error.errors.some(isConnectionLoss))
  );
}

/**
 * Whether an error is what a switch of the database's writer looks like from a client: the connection is lost or refused, the
 * server says that it stops, starts or may only read, or its name is not found for a moment. The same work may succeed at
 * once when it is repeated.
 */
export function isWriterSwitch(error: unknown): boolean {
  if (!isConnectionLoss(error)) return false;
  const code = (error as { code?: string }).code ?? '';
  // Ended for what this session did: idling in a transaction, or taking too long.
  return !/^25P0[34]$/.test(code);
}
