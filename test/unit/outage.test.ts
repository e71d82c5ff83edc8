import { expect, test } from 'vitest';
import { isConnectionLoss, isOutage } from '../../lib/kernel/outage.ts';

const failure = (code: string) => Object.assign(new Error('as the driver says it'), { code });

test.each(['CONNECTION_CLOSED', 'ECONNRESET', '08006', '57P01', '57P03', '25P03', '25P04'])(
  'a connection that ended with %s is an outage, so that a retry makes sense',
  (code) => {
    expect([isConnectionLoss(failure(code)), isOutage(failure(code))]).toEqual([true, true]);
  },
);

test.each([
  { name: 'InternalServerError', $fault: 'server' },
  // As a load balancer answers that stands before the service.
  { name: 'UnknownError', $fault: 'server' },
  { name: 'ThrottlingException', $fault: 'client' },
  { name: 'TransactionConflictException', $fault: 'client' },
  { name: 'TimeoutError' },
])('$name of AWS is an outage, and no lost connection of the database', (fields) => {
  const error = Object.assign(new Error('as AWS says it'), fields);
  expect([isConnectionLoss(error), isOutage(error)]).toEqual([false, true]);
});

test('what AWS refuses for its content is no outage', () => {
  expect(isOutage(Object.assign(new Error('no'), { name: 'ValidationException', $fault: 'client' }))).toBe(false);
});

test.each(['40P01', '53300', '55P03', '57014'])('%s says "not now", and the connection is still good', (code) => {
  expect([isConnectionLoss(failure(code)), isOutage(failure(code))]).toEqual([false, true]);
});

test.each(['22021', '23505', '25P02', '42501'])('%s is about the statement, not about an outage', (code) => {
  expect([isConnectionLoss(failure(code)), isOutage(failure(code))]).toEqual([false, false]);
});
