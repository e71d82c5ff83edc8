import { expect, test } from 'vitest';
import { find, newestBefore, numberOf } from '../drill/postgres-versions.ts';

const published = ['17.10.0-beta.17', '18.2.0-beta.16', '18.10.0-beta.16', '18.10.0-beta.17', '18.9.0-beta.17'];

test('the version of PostgreSQL is the first two numbers of its package', () => {
  expect(numberOf('18.10.0-beta.17')).toBe('18.10');
});

test('the newest version before another goes by numbers, not by letters or by when it was published', () => {
  expect(newestBefore(published, '18.11.0')).toBe('18.10.0-beta.17');
  expect(newestBefore(published, '18.10.0-beta.16')).toBe('18.9.0-beta.17');
  expect(newestBefore(published, '18.2.0-beta.16')).toBe('17.10.0-beta.17');
  expect(() => newestBefore(published, '17.10.0-beta.17')).toThrow('has nothing before PostgreSQL 17.10');
});

test('a version that is named finds its last package, and an unknown one is refused with those that exist', () => {
  expect(find(published, '18.10')).toBe('18.10.0-beta.17');
  expect(find(published, '18.10.0-beta.16')).toBe('18.10.0-beta.16');
  expect(() => find(published, '18.1')).toThrow('has no PostgreSQL 18.1; its newest are 17.10, 18.2, 18.10, 18.9.');
});
