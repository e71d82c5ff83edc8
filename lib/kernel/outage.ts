import { DependencyUnavailable } from './errors.ts';

const connectionCodes = new Set([
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * SQLSTATEs of a session that PostgreSQL ended: by an operator, a crash or a shutdown, or for idling in a transaction.
 */
const sessionEnded = /^(08...|57P0[1-5]|25P0[34])$/;

/** SQLSTATEs of transient failures: connection, resource and shutdown classes, time-outs, deadlock, serialization. */
const transientSqlState = /^(08|53|57|58)...$|^(25P03|25P04|40001|40P01|55P03)$/;

const awsNames = new Set([
  'TimeoutError',
  'InternalServerError',
  'ServiceUnavailable',
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
]);

/** Whether an error means that a dependency is unavailable or overloaded, and not that the request is wrong. */
export function isOutage(error: unknown): boolean {
  if (error instanceof DependencyUnavailable) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    connectionCodes.has(code) ||
    transientSqlState.test(code) ||
    awsNames.has(error.name) ||
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
