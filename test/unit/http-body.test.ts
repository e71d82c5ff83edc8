import { describe, expect, test } from 'vitest';
import { createQuote } from '../../lib/contract/api/orders.ts';
import { checkBody, maxBodyBytes } from '../../lib/http/body.ts';
import { parseInput } from '../../lib/http/input.ts';
import { httpEvent } from '../support/events.ts';

const check = (body: string) => checkBody({ summary: 'Try', responses: {} }, httpEvent({ body }));

describe('an operation that takes no body', () => {
  test.each(['', ' \r\n\t', '{}', ' { \n } '])('takes %j for none', (body) => {
    expect(() => check(body)).not.toThrow();
  });

  test.each(['x', '{} x', '{}{}', '{"a":1}', '[]', 'null'])('refuses %j', (body) => {
    expect(() => check(body)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });

  test.each([
    ['before text', 'x'.padStart(maxBodyBytes)],
    ['in an object that is not closed', '{'.padEnd(maxBodyBytes)],
    ['around text', 'x'.padStart(maxBodyBytes / 2).padEnd(maxBodyBytes)],
  ])('refuses as much white space as a body can hold %s at once', (_, body) => {
    const ms = cpuTimeOf(() => {
      expect(() => check(body)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
    });
    expect(ms).toBeLessThan(200);
  });
});

test('a body of nothing but unknown fields is refused at once, naming a few', () => {
  const fields = Array.from({ length: 7900 }, (_, n) => [n.toString(36), 1]);
  const body = Object.fromEntries(fields);
  const ms = cpuTimeOf(() => {
    expect(() => parseInput(createQuote, httpEvent(), body)).toThrow(
      expect.objectContaining({ code: 'invalid-input', errors: expect.objectContaining({ length: 20 }) }),
    );
  });
  expect(ms, 'a few milliseconds, hundreds when each field is held against each').toBeLessThan(100);
});

test.each(['constructor', 'toString', 'valueOf'])(
  'an unknown member or parameter %s is invalid as any other',
  (name) => {
    const [lines, event] = [[{ productId: `prd_${'0'.repeat(32)}`, quantity: 1 }], httpEvent()];
    expect(() => parseInput(createQuote, event, { lines, [name]: 1 })).toThrow(
      expect.objectContaining({ code: 'invalid-input', errors: [{ pointer: `/${name}`, detail: 'is unknown' }] }),
    );
    expect(() => parseInput(createQuote, { ...event, queryStringParameters: { [name]: '1' } }, { lines })).toThrow(
      expect.objectContaining({ code: 'invalid-input', errors: [{ pointer: `?${name}`, detail: 'is unknown' }] }),
    );
  },
);

/** Processor time of this thread, in milliseconds. Unlike elapsed time, it does not grow on a busy machine. */
function cpuTimeOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
