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

/** PostgreSQL ended the session: by an operator, a crash or a shutdown, or because it idled in a transaction. */
const sessionEnded = /^(08...|57P0[1-5]|25P0[34])$/;

/** PostgreSQL says "not now": connection, resource and shutdown classes, time-outs, deadlock, serialization. */
const passingSqlState = /^(08|53|57|58)...$|^(25P03|25P04|40001|40P01|55P03)$/;

const awsNames = new Set([
  'TimeoutError',
  'InternalServerError',
  'ServiceUnavailable',
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
]);

/** Whether an error says that a part is away or overloaded, rather than that something is wrong with the request. */
export function isOutage(error: unknown): boolean {
  if (error instanceof DependencyUnavailable) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    connectionCodes.has(code) ||
    passingSqlState.test(code) ||
    awsNames.has(error.name) ||
    (error instanceof AggregateError && error.errors.length > 0 && error.errors.every(isOutage))
  );
}

/** Whether an error says that a connection is gone, so that the driver's next use of it cannot be trusted. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    connectionCodes.has(code) ||
    sessionEnded.test(code) ||
    (error instanceof AggregateError && error.errors.some(isConnectionLoss))
  );
}
