import { hostname } from 'node:os';
import type { Clock } from '../../kernel/clock.ts';
import { isAlive } from '../../kernel/process.ts';
import { readJson, type Store } from './store.ts';

/** Somebody else loads now. */
export class LoadRunning extends Error {
  override readonly name = 'LoadRunning';
}

/** Who loads, and until when at most (ISO 8601). */
type Lease = { host: string; pid: number; until: string };

const file = 'lease.json';
/** As long as a function may run. A load by hand that takes longer may meet another; then one of them cannot publish. */
export const leaseMs = 15 * 60_000;

/**
 * Runs a load while no other does. The lease of one that was killed ends by itself, and at once on the machine where it ran.
 * @throws LoadRunning
 */
export async function withLease<T>(store: Store, clock: Clock, work: () => Promise<T>): Promise<T> {
  const lease: Lease = {
    host: hostname(),
    pid: process.pid,
    until: new Date(clock.now() + leaseMs).toISOString(),
  };
  const take = () => store.create(file, JSON.stringify(lease));
  if (!(await take())) {
    const other = await readJson<Lease>(store, file).catch(() => undefined);
    if (other !== undefined && isHeld(other, clock))
      throw new LoadRunning(`Another load is running (process ${other.pid} of ${other.host}).`);
    await store.remove([file]);
    if (!(await take())) throw new LoadRunning('Another load has just begun.');
  }
  try {
    return await work();
  } finally {
    await store.remove([file]);
  }
}

const isHeld = ({ host, pid, until }: Lease, clock: Clock): boolean =>
  Date.parse(until) > clock.now() && (host !== hostname() || isAlive(pid));
