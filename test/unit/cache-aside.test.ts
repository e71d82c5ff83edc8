import { setImmediate as turn } from 'node:timers/promises';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { type Cache, type CacheAnswer, createCache } from '../../lib/kernel/cache-aside.ts';
import { type CachePointers, changeCached } from '../../lib/kernel/cache-changes.ts';
import { cacheLimits } from '../../lib/kernel/cache-store.ts';
import { createCircuitBreaker } from '../../lib/kernel/circuit-breaker.ts';
import { withDeadline } from '../../lib/kernel/deadline.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { cachePointers, cacheStore } from '../../lib/platform/cache.dynamo.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

/* Caches that share nothing but the table stand for processes. What they read is a variable. */
let dynamo: TestDynamo;
let now: number;
let random: number;
let source: { value: string | undefined; loads: number; failure?: Error; hold?: Promise<void> };
let key: { pointer: string; entry: string };
let keys = 0;

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'cache', ...tables.cache }]);
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  random = 0;
  source = { value: 'old', loads: 0 };
  keys++;
  key = { pointer: `thing/${keys}`, entry: `thing.1/${keys}` };
});

const clock = { now: () => now };
const table = () => ({ client: dynamo.documents, table: 'cache', clock, timeoutMs: 60_000 });
const pointers = (): CachePointers => cachePointers(table());

type Process = Cache & { answers: CacheAnswer[] };

type Hooks = { timeoutMs?: number; beforeLook?: () => Promise<unknown>; beforeLease?: () => Promise<unknown> };

/** Time passes only where a process sleeps. */
function openProcess({ beforeLook, beforeLease, ...options }: Hooks = {}): Process {
  const answers: CacheAnswer[] = [];
  const store = cacheStore({ ...table(), ...options });
  const cache = createCache({
    store: {
      ...store,
      look: async (...args) => {
        await beforeLook?.();
        return store.look(...args);
      },
      lease: async (...args) => {
        await beforeLease?.();
        return store.lease(...args);
      },
    },
    clock,
    stopwatch: { elapsed: () => now },
    sleep: async (milliseconds) => {
      now += milliseconds;
      await turn();
    },
    random: () => random,
    storeBreaker: createCircuitBreaker(clock),
    sourceBreaker: createCircuitBreaker(clock),
    untilDeadline: withDeadline,
    onAnswer: (from) => answers.push(from),
    onUnreachable: () => {},
  });
  return { ...cache, answers };
}

async function load(): Promise<string | undefined> {
  source.loads++;
  const { value } = source;
  await source.hold;
  if (source.failure !== undefined) throw source.failure;
  return value;
}

const read = (process: Cache) => process.read(key, load);
const change = (value: string, from = pointers()) =>
  changeCached(
    from,
    [key.pointer],
    async () => {
      source.value = value;
    },
    () => ({}),
  );
const crowd = (processes: Process[], readers: number) =>
  Promise.all(Array.from({ length: readers }, (_, i) => read(processes[i % processes.length]!)));
const outage = () => Object.assign(new Error('away'), { code: 'ECONNREFUSED' });

describe('a crowd', () => {
  test('of 1,000 readers in four processes loads a missing entry once', async () => {
    const processes = [1, 2, 3, 4].map(() => openProcess());
    expect(new Set(await crowd(processes, 1000))).toEqual(new Set(['old']));
    expect(source.loads).toBe(1);
    const answers = processes.flatMap((each) => each.answers);
    expect(answers).toHaveLength(1000);
    expect(answers.filter((from) => from === 'loaded')).toHaveLength(1);
  });

  test('does not load again what was loaded between a look and the lease', async () => {
    for (const _ of ['missing', 'expired', 'expired again']) {
      const other = openProcess();
      expect(await read(openProcess({ beforeLease: () => read(other) }))).toBe('old');
      now += cacheLimits.fresh;
    }
    expect(source.loads).toBe(3);
  });

  test('does not load again what its process loaded while it looked', async () => {
    let looks = 0;
    const loaded = Promise.withResolvers<void>();
    const process = openProcess({
      beforeLook: async () => {
        if (++looks === 2) await loaded.promise;
      },
    });
    const [first, second] = [read(process), read(process)];
    await first;
    loaded.resolve();
    expect(await second).toBe('old');
    expect(process.answers).toEqual(['loaded', 'memory']);
  });

  test('loads an expired entry once, and an entry that changed once', async () => {
    const processes = [1, 2, 3, 4].map(() => openProcess());
    await crowd(processes, 100);
    now += cacheLimits.fresh;
    await crowd(processes, 1000);
    expect(source.loads).toBe(2);
    await change('new');
    expect(new Set(await crowd(processes, 1000))).toEqual(new Set(['new']));
    expect(source.loads).toBe(3);
  });

  test('whose loader dies is served by a second load as soon as the lease ends', async () => {
    const [dead, ...alive] = [1, 2, 3, 4].map(() => openProcess());
    const forever = Promise.withResolvers<void>();
    source.hold = forever.promise;
    const never = read(dead!);
    while (source.loads === 0) await turn();
    delete source.hold;
    const began = now;
    expect(new Set(await crowd(alive, 300))).toEqual(new Set(['old']));
    expect(source.loads).toBe(2);
    // Each of three processes moves the clock when it sleeps.
    expect(now - began).toBeLessThan(cacheLimits.lease + 3 * 300);
    forever.resolve();
    await never;
  });

  test('whose loader is slower than its lease is served by a second load', async () => {
    const [slow, other] = [openProcess(), openProcess()];
    const held = Promise.withResolvers<void>();
    source.hold = held.promise;
    const first = read(slow);
    while (source.loads === 0) await turn();
    const second = read(other);
    while (source.loads < 2) await turn();
    held.resolve();
    expect(await Promise.all([first, second])).toEqual(['old', 'old']);
    expect(source.loads).toBe(2);
  });
});

describe('an entry', () => {
  test('is read from memory, from the table by another process, and asks each time whether it counts', async () => {
    const [one, other] = [openProcess(), openProcess()];
    for (const each of [one, one, other, other]) await read(each);
    expect([one.answers, other.answers]).toEqual([
      ['loaded', 'memory'],
      ['table', 'memory'],
    ]);
    const before = dynamo.calls();
    await read(one);
    const after = dynamo.calls();
    expect([after.GetItem! - (before.GetItem ?? 0), after.BatchGetItem]).toEqual([1, before.BatchGetItem]);
  });

  test('that has a time of its own is loaded again after it, by a process that remembers it and by others', async () => {
    const short = { ...key, fresh: 10_000 };
    const [one, other] = [openProcess(), openProcess()];
    await one.read(short, load);
    source.value = 'new';
    now += 9_999;
    expect([await one.read(short, load), await other.read(short, load)]).toEqual(['old', 'old']);
    now += 1;
    expect([await other.read(short, load), await one.read(short, load)]).toEqual(['new', 'new']);
    expect(source.loads).toBe(2);
  });

  test('expires after five minutes, or up to a tenth earlier', async () => {
    const [one, other] = [openProcess(), openProcess()];
    await read(one);
    now += cacheLimits.fresh - 1;
    await read(one);
    expect(source.loads).toBe(1);
    now += 1;
    random = 0.999999;
    await read(one);
    expect(source.loads).toBe(2);
    now += cacheLimits.fresh * 0.9 + 1;
    random = 0;
    await read(other);
    expect(source.loads).toBe(3);
  });

  test('that takes long to load is loaded early by some, one at a time, while others use it', async () => {
    const [one, other] = [openProcess(), openProcess()];
    const held = Promise.withResolvers<void>();
    source.hold = held.promise;
    const first = read(one);
    while (source.loads === 0) await turn();
    now += 1000;
    held.resolve();
    await first;
    now += cacheLimits.fresh - 3000;
    await read(other);
    expect(source.loads).toBe(1);
    // −1 s · ln(1 − random) passes the second that is left.
    random = 0.9;
    source.value = 'newer';
    expect(await read(other)).toBe('newer');
    expect(source.loads).toBe(2);
    random = 0;
    expect(await read(one)).toBe('old');
    now += 2000;
    expect(await read(one)).toBe('newer');
    expect(source.loads).toBe(2);
  });

  test('that does not exist is known for thirty seconds', async () => {
    const process = openProcess();
    source.value = undefined;
    expect([await read(process), await read(process)]).toEqual([undefined, undefined]);
    expect(source.loads).toBe(1);
    source.value = 'there';
    now += cacheLimits.absentFresh;
    expect(await read(process)).toBe('there');
  });

  test('over 300 KB is not kept, and nobody waits to load it', async () => {
    const [one, other] = [openProcess(), openProcess()];
    source.value = 'x'.repeat(cacheLimits.bytes - 2);
    await read(one);
    await read(other);
    expect(source.loads).toBe(1);
    await change('ü'.repeat(cacheLimits.bytes / 2));
    for (const each of [one, other, other]) expect(await read(each)).toBe(source.value);
    expect(source.loads).toBe(4);
    expect(other.answers.slice(-2)).toEqual(['large', 'large']);
  });
});

describe('a change', () => {
  test('that was answered is seen by every later reader, also in processes that remember the old value', async () => {
    const processes = [1, 2, 3].map(() => openProcess());
    for (const each of processes) expect(await read(each)).toBe('old');
    await change('new');
    for (const each of processes) expect(await read(each)).toBe('new');
    expect(source.loads).toBe(2);
  });

  test('is seen by who asks after it while an older load is under way, and that load is kept by nobody', async () => {
    const [one, other] = [openProcess(), openProcess()];
    const held = Promise.withResolvers<void>();
    source.hold = held.promise;
    const before = read(one);
    while (source.loads === 0) await turn();
    delete source.hold;
    await change('new');
    expect(await Promise.all([read(one), read(other)])).toEqual(['new', 'new']);
    held.resolve();
    expect(await before).toBe('old');
    expect(await Promise.all([read(one), read(other), read(openProcess())])).toEqual(['new', 'new', 'new']);
    expect(source.loads).toBe(2);
  });

  test('under way sends readers to the source, and what they read is not kept', async () => {
    const process = openProcess();
    await read(process);
    await changeCached(
      pointers(),
      [key.pointer],
      async () => {
        expect(await read(process)).toBe('old');
        source.value = 'new';
        expect(await read(process)).toBe('new');
      },
      () => ({}),
    );
    expect(process.answers).toEqual(['loaded', 'changing', 'changing']);
    expect(await read(process)).toBe('new');
    expect(process.answers.at(-1)).toBe('loaded');
  });

  test('whose process dies leaves its mark for a minute, and no older entry behind it', async () => {
    const process = openProcess();
    await read(process);
    await pointers().mark(key.pointer);
    source.value = 'new';
    expect(await read(process)).toBe('new');
    expect(process.answers.at(-1)).toBe('changing');
    now += 60_000;
    expect(await read(process)).toBe('new');
    expect(process.answers.at(-1)).toBe('loaded');
    // The next change takes the dead mark away.
    await change('newer');
    const Key = { key: `pointer#${key.pointer}` };
    const { Item } = await dynamo.documents.send(new GetCommand({ TableName: 'cache', Key, ConsistentRead: true }));
    expect(Item).toMatchObject({ epoch: expect.any(Number) });
    expect(Item!.marks).toBeUndefined();
  });

  test('of two at once keeps readers out until both have ended', async () => {
    const process = openProcess();
    const [one, other] = [pointers(), pointers()];
    const mark = await one.mark(key.pointer);
    await change('new', other);
    await read(process);
    expect(process.answers).toEqual(['changing']);
    await one.settle(key.pointer, mark);
    await read(process);
    expect(process.answers.at(-1)).toBe('loaded');
  });

  test('whose outcome is unknown keeps its mark; one that was refused ends it', async () => {
    const process = openProcess();
    const failing = (error: Error) =>
      changeCached(
        pointers(),
        [key.pointer],
        () => Promise.reject(error),
        () => ({}),
      );
    await expect(failing(new Error('refused'))).rejects.toThrow('refused');
    await read(process);
    expect(process.answers).toEqual(['loaded']);
    await expect(failing(outage())).rejects.toThrow('away');
    await read(process);
    expect(process.answers.at(-1)).toBe('changing');
  });

  test('does not take place when readers cannot be kept from the cache', async () => {
    dynamo.refuse();
    try {
      await expect(change('new')).rejects.toBeInstanceOf(DependencyUnavailable);
    } finally {
      await dynamo.resume();
    }
    expect(source.value).toBe('old');
  });

  test('that an event tells of counts once, and only if it is news', async () => {
    const process = openProcess();
    await changeCached(
      pointers(),
      [key.pointer],
      async () => 2,
      (version) => ({ [key.pointer]: version }),
    );
    await read(process);
    await pointers().supersede(key.pointer, 2);
    await pointers().supersede(key.pointer, 1);
    await read(process);
    await pointers().supersede(key.pointer, 3);
    await read(process);
    expect(process.answers).toEqual(['loaded', 'memory', 'loaded']);
  });
});

describe('while the source is away', () => {
  const fail = () => {
    source.failure = outage();
  };

  test('an expired entry is used for an hour, and the source is asked every two seconds', async () => {
    const process = openProcess();
    await read(process);
    fail();
    now += cacheLimits.fresh;
    for (let i = 0; i < 10; i++) expect(await read(process)).toBe('old');
    expect(source.loads).toBe(2);
    expect(process.answers.slice(1)).toEqual(Array(10).fill('stale'));
    now += 2000;
    await read(process);
    expect(source.loads).toBe(3);
    now += cacheLimits.stale - cacheLimits.fresh - 2001;
    expect(await read(process)).toBe('old');
    now += 1;
    await expect(read(process)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a new process uses the expired entry of the table, and recovers at once', async () => {
    await read(openProcess());
    fail();
    now += cacheLimits.fresh;
    const process = openProcess();
    expect(await read(process)).toBe('old');
    delete source.failure;
    source.value = 'back';
    now += 2000;
    expect(await read(process)).toBe('back');
    expect(process.answers).toEqual(['stale', 'loaded']);
  });

  test('an entry that a change took out of use is not used', async () => {
    const process = openProcess();
    await read(process);
    await change('new');
    fail();
    await expect(read(process)).rejects.toThrow('away');
    // Nobody waits for the lease of a load that failed.
    delete source.failure;
    expect(await read(openProcess())).toBe('new');
  });

  test('other errors of the source are not covered up', async () => {
    const process = openProcess();
    await read(process);
    source.failure = new Error('a bug');
    now += cacheLimits.fresh;
    await expect(read(process)).rejects.toThrow('a bug');
  });
});

describe('while the table is away', () => {
  test.each(['refuse', 'pause', 'mute'] as const)(
    '(%s) readers load by themselves, and then use it again',
    async (way) => {
      const process = openProcess();
      await read(process);
      const impatient = openProcess({ timeoutMs: 50 });
      dynamo[way]();
      try {
        source.value = 'newer';
        for (let i = 0; i < 5; i++) expect(await read(impatient)).toBe('newer');
        expect(impatient.answers).toEqual(Array(5).fill('unreachable'));
      } finally {
        await dynamo.resume();
      }
      now += 2000;
      const back = openProcess();
      expect(await read(back)).toBe('old');
    },
  );
});
