import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { compilePattern, PatternRefused } from '../../infra/local/bus/pattern.ts';
import { type Bus, type Rule, startBus } from '../../infra/local/bus/start.ts';

const opened: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.stop();
});

describe('a pattern', () => {
  const event = {
    source: 'shop',
    'detail-type': 'order.confirmed',
    detail: { total: { amount: 1999, currency: 'EUR' }, tags: ['new', 'large'], note: null, paid: true },
  };
  test.each([
    [{ source: ['shop'] }, true],
    [{ source: ['other', 'shop'] }, true],
    [{ source: ['other'] }, false],
    [{ source: ['shop'], 'detail-type': ['order.failed'] }, false],
    [{ 'detail-type': [{ prefix: 'order.' }] }, true],
    [{ 'detail-type': [{ prefix: 'refund.' }, 'order.confirmed'] }, true],
    [{ 'detail-type': [{ suffix: '.confirmed' }] }, true],
    [{ 'detail-type': [{ 'anything-but': 'order.failed' }] }, true],
    [{ 'detail-type': [{ 'anything-but': ['order.failed', 'order.confirmed'] }] }, false],
    [{ 'detail-type': [{ 'anything-but': { prefix: 'order.' } }] }, false],
    [{ detail: { tags: ['large'] } }, true],
    [{ detail: { tags: ['small'] } }, false],
    [{ detail: { note: [null] } }, true],
    [{ detail: { paid: [true] } }, true],
    [{ detail: { paid: ['true'] } }, false],
    [{ detail: { missing: [{ exists: false }] } }, true],
    [{ detail: { paid: [{ exists: true }] } }, true],
    [{ detail: { missing: [{ 'anything-but': 'x' }] } }, false],
    [{ detail: { total: { amount: [{ numeric: ['>', 1000, '<=', 1999] }] } } }, true],
    [{ detail: { total: { amount: [{ numeric: ['<', 1999] }] } } }, false],
    [{ detail: { total: { currency: [{ numeric: ['=', 1] }] } } }, false],
    [{ $or: [{ source: ['other'] }, { detail: { paid: [true] } }] }, true],
    [{ $or: [{ source: ['other'] }, { source: ['another'] }], 'detail-type': ['order.confirmed'] }, false],
  ])('%j matches: %s', (pattern, matches) => {
    expect(compilePattern(pattern)(event)).toBe(matches);
  });

  test.each([
    {},
    { source: 'shop' },
    { source: [] },
    { source: [{ wildcard: 'sh*' }] },
    { source: [{ prefix: 'a', suffix: 'b' }] },
    { source: [{ prefix: 1 }] },
    { source: [{ exists: 'yes' }] },
    { source: [{ numeric: ['~', 1] }] },
    { source: [{ numeric: ['>'] }] },
    { source: [{ 'anything-but': { suffix: 'x' } }] },
    { source: [{ 'anything-but': [true] }] },
    { $or: [{ source: ['a'] }] },
  ])('%j is refused, because the laptop would not do what AWS does', (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(PatternRefused);
  });
});

describe('the bus', () => {
  async function open(rules: Partial<Rule>[], options: { file?: string; firstPauseMs?: number } = {}) {
    const bus = await startBus({
      name: 'shop',
      rules: rules.map((rule, n) => ({
        name: `rule-${n}`,
        pattern: { source: ['shop'] },
        atOnce: 2,
        deliver: async () => {},
        ...rule,
      })),
      file: ':memory:',
      firstPauseMs: 1,
      ...options,
    });
    opened.push(bus);
    const client = new EventBridgeClient({
      region: 'eu-west-1',
      endpoint: bus.endpoint,
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
      maxAttempts: 1,
    });
    opened.push({ stop: () => client.destroy() });
    const put = (...entries: PutEventsRequestEntry[]) =>
      client.send(
        new PutEventsCommand({
          Entries: entries.map((entry) => ({ EventBusName: 'shop', Source: 'shop', DetailType: 'sold', ...entry })),
        }),
      );
    return { bus, put };
  }

  test('hands an event to the target of every rule that it matches, as EventBridge writes it', async () => {
    const got: unknown[] = [];
    const deliver = async (event: unknown) => void got.push(event);
    const { bus, put } = await open([{ deliver }, { deliver, pattern: { 'detail-type': ['bought'] } }, { deliver }]);
    const { Entries } = await put({ Detail: '{"n":1}', Time: new Date('2026-11-29T12:00:00Z'), Resources: ['ord_1'] });
    await bus.idle();
    const event = {
      version: '0',
      id: Entries![0]!.EventId,
      source: 'shop',
      'detail-type': 'sold',
      time: '2026-11-29T12:00:00Z',
      region: 'eu-west-1',
      account: '000000000000',
      resources: ['ord_1'],
      detail: { n: 1 },
    };
    expect(got).toEqual([event, event]);
  });

  test('takes the good entries of a call and says which ones it did not take', async () => {
    const { put } = await open([{}]);
    const answer = await put(
      { Detail: '{"n":1}' },
      { Detail: 'x' },
      { Detail: '[]' },
      { Detail: '{}', EventBusName: 'y' },
    );
    expect(answer.FailedEntryCount).toBe(3);
    expect(answer.Entries!.map(({ EventId, ErrorCode }) => ErrorCode ?? typeof EventId)).toEqual([
      'string',
      'MalformedDetail',
      'MalformedDetail',
      'ResourceNotFoundException',
    ]);
    await expect(put(...Array.from({ length: 11 }, () => ({ Detail: '{}' })))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });

  test('tries five times, parks what fails then, and delivers it when it is redriven', async () => {
    const deliver = vi.fn().mockRejectedValue(new Error('broken'));
    const others = vi.fn().mockResolvedValue(undefined);
    const { bus, put } = await open([{ deliver }, { deliver: others }]);
    await put({ Detail: '{"n":1}' });
    await vi.waitFor(() => expect(bus.parked()).toHaveLength(1), { timeout: 60_000 });
    expect(deliver).toHaveBeenCalledTimes(5);
    expect(others).toHaveBeenCalledTimes(1);
    expect(bus.parked()[0]).toMatchObject({ rule: 'rule-0', attempts: 5, error: 'Error: broken' });
    deliver.mockResolvedValue(undefined);
    expect(bus.redrive()).toBe(1);
    await bus.idle();
    expect(deliver).toHaveBeenCalledTimes(6);
    expect(bus.parked()).toEqual([]);
  });

  test('delivers after a restart what it had taken before', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'counterfoil-bus-'));
    opened.push({ stop: () => rm(directory, { recursive: true, force: true }) });
    const file = join(directory, 'events.sqlite');
    const first = await open([{ deliver: () => new Promise(() => {}) }], { file });
    for (let n = 0; n < 5; n++) await first.put({ Detail: `{"n":${n}}` });
    await first.bus.stop();
    opened.splice(opened.indexOf(first.bus as Bus), 1);
    const got: number[] = [];
    const second = await open(
      [{ deliver: async (event) => void got.push((event as { detail: { n: number } }).detail.n) }],
      {
        file,
      },
    );
    await second.bus.idle();
    expect(got.toSorted()).toEqual([0, 1, 2, 3, 4]);
  });

  test('runs at most as many deliveries of a rule at once as it may, and a slow rule delays no other', async () => {
    let [running, most, fast] = [0, 0, 0];
    const gate = Promise.withResolvers<void>();
    const slow = async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
    };
    const { bus, put } = await open([{ deliver: slow }, { deliver: async () => void fast++ }]);
    for (let n = 0; n < 6; n++) await put({ Detail: '{}' });
    await vi.waitFor(() => expect(fast).toBe(6), { timeout: 60_000 });
    gate.resolve();
    await bus.idle();
    expect(most).toBe(2);
  });
});
