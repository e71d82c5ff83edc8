import { expect, test } from 'vitest';
import { mediaTypeOf } from '../support/send.ts';

const answer = (type: string | undefined, text: string) => ({
  headers: new Headers(type === undefined ? {} : { 'content-type': type }),
  text,
});

test('a content type that API Gateway adds to an empty answer is none', () => {
  expect(mediaTypeOf(answer('text/plain; charset=utf-8', ''))).toBeUndefined();
  expect(mediaTypeOf(answer(undefined, ''))).toBeUndefined();
  expect(mediaTypeOf(answer('application/json; charset=utf-8', '{}'))).toBe('application/json');
  expect(mediaTypeOf(answer(undefined, '{}'))).toBeUndefined();
});
