import { hostname } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { leaseMs, withLease } from '../../lib/analytics/warehouse/lease.ts';
import type { Store } from '../../lib/analytics/warehouse/store.ts';

const now = Date.parse('2026-11-30T12:00Z');
const clock = { now: () => now };
afterEach(() => vi.restoreAllMocks());

/** A store with the lease of somebody. */
function held(lease: object): Store {
  const files = new Map([['lease.json', JSON.stringify(lease)]]);
  return {
    read: async (path: string) => new TextEncoder().encode(files.get(path)),
    create: async (path: string, content: string) => !files.has(path) && Boolean(files.set(path, content)),
    remove: async (paths: string[]) => paths.forEach((path) => void files.delete(path)),
  } as unknown as Store;
}

const other = { host: hostname(), pid: 4711, until: new Date(now + leaseMs).toISOString() };
const answers = (code: string) =>
  vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error(`kill ${code}`), { code });
  });

test('a load of another user on this machine runs, though nobody may ask its process', async () => {
  answers('EPERM');
  await expect(withLease(held(other), clock, async () => 'loaded')).rejects.toThrow('process 4711');
});

test('a load whose process is gone has ended', async () => {
  answers('ESRCH');
  expect(await withLease(held(other), clock, async () => 'loaded')).toBe('loaded');
});

test('a load of another machine runs until its lease ends', async () => {
  const elsewhere = { ...other, host: 'elsewhere' };
  await expect(withLease(held(elsewhere), clock, async () => 'loaded')).rejects.toThrow('of elsewhere');
  const later = { now: () => now + leaseMs };
  expect(await withLease(held(elsewhere), later, async () => 'loaded')).toBe('loaded');
});
