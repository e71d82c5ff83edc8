import { describe, expect, test } from 'vitest';
import { createQuote } from '../../lib/contract/orders.ts';
import { checkBody, maxBodyBytes, parseInput } from '../../lib/entry/http-input.ts';
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
    const startedAt = performance.now();
    expect(() => check(body)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});

test('a body of nothing but unknown fields is refused at once, naming a few', () => {
  const fields = Array.from({ length: 7900 }, (_, n) => [n.toString(36), 1]);
  const event = { ...httpEvent(), body: Object.fromEntries(fields) };
  const startedAt = performance.now();
  expect(() => parseInput(createQuote, event)).toThrow(
    expect.objectContaining({ code: 'invalid-input', errors: expect.objectContaining({ length: 20 }) }),
  );
  expect(performance.now() - startedAt).toBeLessThan(100);
});
