import { describe, expect, test } from 'vitest';
import { explainRequest, listRequests } from '../../infra/local/console/requests.ts';

const order = `ord_${'1'.repeat(32)}`;
const at = (second: number) => `2026-11-29T12:00:0${second}.000Z`;
const request = (requestId: string, second: number, fields: object) => ({
  level: 'INFO',
  message: 'request',
  timestamp: at(second),
  accessId: `acc_${second}`,
  requestId,
  operation: 'place-order',
  write: true,
  status: 201,
  problem: null,
  milliseconds: 40,
  applicationId: 'app_1',
  customerId: 'cus_1',
  resources: ['cus_1', order],
  ...fields,
});
const placed = request('req_1', 1, {});
const read = request('req_2', 5, { operation: 'get-order', write: false, status: 200 });
const refused = request('req_3', 6, { status: 404, problem: 'not-found', applicationId: null, resources: [] });
const requests = [placed, read, refused];

describe('requests', () => {
  const found = (query: string) =>
    listRequests(requests, new URLSearchParams(query)).requests.map(({ requestId }) => requestId);

  test.each([
    ['', ['req_3', 'req_2', 'req_1']],
    ['status=4xx', ['req_3']],
    ['status=200', ['req_2']],
    ['operation=place-order', ['req_3', 'req_1']],
    ['application=app_1', ['req_2', 'req_1']],
    ['text=req_2', ['req_2']],
    [`text=${order}`, ['req_2', 'req_1']],
    ['text=not-found', ['req_3']],
    ['text=nothing', []],
  ])('are found by %s, newest first', (query, ids) => {
    expect(found(query)).toEqual(ids);
  });

  test('say what can be chosen', () => {
    expect(listRequests(requests, new URLSearchParams('status=5xx'))).toEqual({
      requests: [],
      operations: ['get-order', 'place-order'],
      applications: ['app_1'],
      count: 0,
    });
  });
});

describe('a request', () => {
  const step = { level: 'INFO', message: 'step done', timestamp: at(2), step: 'ChargePayment', orderId: order };
  const before = { ...step, timestamp: '2026-11-29T11:00:00.000Z' };
  const failure = {
    level: 'ERROR',
    message: 'request failed',
    timestamp: at(1),
    requestId: 'req_1',
    error: { name: 'Error', message: 'no Bearer abc.def', stack: 'Error: no\n    at x (y.ts:1:1)' },
  };
  const earlier = request('req_0', 0, { operation: 'cancel-order' });
  const lines = [before, earlier, failure, placed, step, read];

  test('comes with its own lines and those of the sagas that it led to, without secrets', () => {
    const told = explainRequest(lines, 'req_1')!;
    expect(told.lines.map(({ message }) => message)).toEqual(['request failed', 'request', 'step done']);
    expect(told.lines[0]).toMatchObject({
      level: 'ERROR',
      fields: { error: 'Error: no [redacted]' },
      trace: ['at x (y.ts:1:1)'],
    });
  });

  test('that only read has its own lines alone', () => {
    expect(explainRequest(lines, 'req_2')!.lines.map(({ message }) => message)).toEqual(['request']);
  });

  test('that the log has lost is not there', () => {
    expect(explainRequest(lines, 'req_9')).toBeUndefined();
  });
});
