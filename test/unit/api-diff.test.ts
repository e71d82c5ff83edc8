import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { rules } from '../../infra/api-diff/change.ts';
import { breakingChanges } from '../../infra/api-diff/compare.ts';
import { contractOf, type Json } from '../../infra/api-diff/contract.ts';
import { findings } from '../../infra/api-diff/exceptions.ts';
import { schemaComparer } from '../../infra/api-diff/schemas.ts';
import { runLintApi } from '../../infra/tools/lint-api.ts';
import { defineEvent } from '../../lib/contract/events/define-event.ts';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';

const url = new URL('../../lib/contract/api/assets/openapi.json', import.meta.url);
const document: Json = JSON.parse(await readFile(url, 'utf8'));
const released = contractOf(document);

/** What a change of the real document breaks, as `rule where`. */
function brokenBy(change: (document: Json) => void): string[] {
  const changed = structuredClone(document);
  change(changed);
  return breakingChanges(released, contractOf(changed)).map(({ rule, where }) => `${rule} ${where}`);
}

const order = (d: Json) => d.components.schemas.Order;
const place = (d: Json) => d.components.schemas.PlaceOrderRequest;
const take = (list: unknown[], value: unknown) => list.splice(list.indexOf(value), 1);
const placed = domainEvents.find(({ type }) => type === 'order.reserved')!;
const eventsWith = (...instead: typeof domainEvents) => [...domainEvents.filter((each) => each !== placed), ...instead];
const eventsBrokenBy = (...instead: typeof domainEvents) =>
  breakingChanges(contractOf(document, domainEvents), contractOf(document, eventsWith(...instead))).map(
    ({ rule, where }) => `${rule} ${where}`,
  );
const anotherPlaced = (version: number, data: z.core.$ZodShape) =>
  defineEvent('order.reserved', version, { description: 'Changed.', data, example: {} as never });

test('this version has what this version promises, and prose is no promise', () => {
  expect(breakingChanges(released, released)).toEqual([]);
  const changed = brokenBy((d) => {
    d.paths['/orders'].post.description = 'Another text.';
    order(d).properties.status.description = 'Another text.';
    d.components.schemas.Order.properties.total.examples = [1];
  });
  expect(changed).toEqual([]);
  expect(Object.keys(released.operations).length).toBeGreaterThan(80);
  expect(Object.keys(released.events)).toContain('order.placed@1');
});

const cases: [rule: string, where: string, change: (document: Json) => void][] = [
  ['operation-removed', 'POST /orders', (d) => delete d.paths['/orders'].post],
  ['operation-renamed', 'POST /orders', (d) => (d.paths['/orders'].post.operationId = 'create-order')],
  ['status-removed', 'answer POST /orders 202', (d) => delete d.paths['/orders'].post.responses['202']],
  [
    'media-type-removed',
    'answer POST /orders 201',
    (d) => delete d.paths['/orders'].post.responses['201'].content['application/json'],
  ],
  [
    'media-type-removed',
    'request POST /orders body',
    (d) => delete d.paths['/orders'].post.requestBody.content['application/json'],
  ],
  [
    'header-removed',
    'answer POST /orders 201',
    (d) => delete d.paths['/orders'].post.responses['201'].headers.Location,
  ],
  [
    'problem-removed',
    'answer POST /orders 409',
    (d) =>
      delete d.paths['/orders'].post.responses['409'].content['application/problem+json'].examples['coupon-used-up'],
  ],
  ['problem-removed', 'problem forbidden', (d) => take(d.components.schemas.Problem.properties.code.enum, 'forbidden')],
  ['scope-needed', 'POST /orders', (d) => d.paths['/orders'].post['x-required-scopes'].push('orders:read')],
  ['credential-removed', 'GET /products', (d) => d.paths['/products'].get.security.shift()],
  ['request-required', 'request PlaceOrderRequest.note', (d) => place(d).required.push('note')],
  [
    'request-required',
    'request GET /products query new',
    (d) => d.paths['/products'].get.parameters.push({ name: 'new', in: 'query', required: true, schema: {} }),
  ],
  ['request-removed', 'request PlaceOrderRequest.note', (d) => delete place(d).properties.note],
  ['request-removed', 'request GET /products query limit', (d) => d.paths['/products'].get.parameters.shift()],
  [
    'request-narrowed',
    'request GET /products query limit',
    (d) => (d.paths['/products'].get.parameters[0].schema.maximum = 50),
  ],
  ['request-narrowed', 'request PlaceOrderRequest.lines', (d) => (place(d).properties.lines.maxItems = 3)],
  [
    'default-changed',
    'request GET /products query limit',
    (d) => (d.paths['/products'].get.parameters[0].schema.default = 10),
  ],
  ['answer-removed', 'answer Order.number', (d) => delete order(d).properties.number],
  ['answer-removed', 'answer Order.number', (d) => take(order(d).required, 'number')],
  ['answer-value-removed', 'answer Order.status', (d) => take(order(d).properties.status.enum, 'failed')],
  ['type-changed', 'answer Order.version', (d) => (order(d).properties.version = { type: 'string' })],
  ['type-changed', 'answer Order.number', (d) => (order(d).properties.number = { type: ['string', 'null'] })],
  ['type-changed', 'answer Order.createdAt', (d) => delete order(d).properties.createdAt.format],
  ['type-changed', 'request PlaceOrderRequest.lines', (d) => (place(d).properties.lines = { type: 'string' })],
];

test.each(cases)('%s: %s', (rule, where, change) => {
  expect(brokenBy(change)).toContain(`${rule} ${where}`);
});

test('each rule has a planted change here, and its line on the page', async () => {
  const planted = new Set([...cases.map(([rule]) => rule), 'event-removed', 'event-changed']);
  expect([...planted].sort()).toEqual(Object.keys(rules).sort());
  const page = await readFile(new URL('../../docs/releases.md', import.meta.url), 'utf8');
  for (const [rule, what] of Object.entries(rules)) expect(page).toContain(`| \`${rule}\` | ${what} |`);
});

test('what a new minor version may do breaks nobody', () => {
  const changed = brokenBy((d) => {
    d.paths['/new'] = { get: { operationId: 'new', responses: {} } };
    place(d).properties.gift = { type: 'boolean' };
    place(d).properties.lines.maxItems = 10_000;
    take(place(d).required, 'lines');
    order(d).properties.gift = { type: 'boolean' };
    order(d).properties.status.enum.push('lost');
    order(d).required.push('gift');
    take(d.paths['/orders'].post['x-required-scopes'], 'orders:place');
    d.paths['/products'].get.parameters.push({ name: 'new', in: 'query', required: false, schema: {} });
  });
  expect(changed).toEqual([]);
});

test('a schema that many operations share is reported once in each direction', () => {
  expect(brokenBy((d) => delete order(d).properties.number)).toEqual(['answer-removed answer Order.number']);
});

const compared = (direction: 'request' | 'answer', old: Json, now: Json) =>
  schemaComparer({}, {})(direction, 'x', old, now).map(({ rule }) => rule);

test.each([
  ['request', { type: 'string' }, { enum: ['a'], type: 'string' }, ['request-narrowed']],
  ['request', { enum: ['a'], type: 'string' }, { type: 'string' }, []],
  ['request', { type: 'string' }, { type: 'string', pattern: '^a' }, ['request-narrowed']],
  ['request', { type: 'string', minLength: 1 }, { type: 'string' }, []],
  ['request', { type: 'integer' }, { type: 'number' }, []],
  ['request', { type: 'number' }, { type: 'integer' }, ['type-changed']],
  ['request', { type: ['string', 'null'] }, { type: 'string' }, ['type-changed']],
  ['request', { anyOf: [{ type: 'string' }, { type: 'null' }] }, { type: ['null', 'string'] }, []],
  ['request', { type: 'object' }, { type: 'object', additionalProperties: false }, ['request-narrowed']],
  ['request', {}, { type: 'string' }, ['type-changed']],
  ['request', { type: 'string' }, {}, []],
  ['answer', {}, { type: ['string', 'null'] }, []],
  ['answer', { type: 'array', items: { type: 'string' } }, { type: 'array' }, ['type-changed']],
  ['answer', { type: 'number' }, { type: 'integer' }, []],
  ['answer', { type: 'integer' }, { type: 'number' }, ['type-changed']],
  ['answer', { type: ['string', 'null'] }, { type: 'string' }, []],
  ['answer', { const: 'a' }, { const: 'b' }, ['answer-value-removed']],
  ['answer', { type: 'string', enum: ['a'] }, { type: 'string' }, ['type-changed']],
  [
    'answer',
    { type: 'array', items: { type: 'string' } },
    { type: 'array', items: { type: 'null' } },
    ['type-changed'],
  ],
] as const)('as %s, %j to %j breaks by %j', (direction, old, now, expected) => {
  expect(compared(direction, old, now)).toEqual(expected);
});

test('variants of an answer are told apart by their constant, and one may come but not go', () => {
  const variant = (type: string, more = {}) => ({ type: 'object', properties: { type: { const: type }, ...more } });
  const old = { oneOf: [variant('a', { x: {} }), variant('b')] };
  expect(compared('answer', old, { oneOf: [variant('c'), variant('b'), variant('a', { x: {} })] })).toEqual([]);
  expect(compared('answer', old, { oneOf: [variant('b'), variant('a')] })).toEqual(['answer-removed']);
  expect(compared('answer', old, { oneOf: [variant('b'), variant('c')] })).toEqual(['answer-value-removed']);
  expect(compared('request', old, { oneOf: [variant('b'), variant('c')] })).toEqual(['request-narrowed']);
});

test('schemas that refer to themselves are compared to the end', () => {
  const tree = (leaf: Json) => ({
    T: { type: 'object', properties: { leaf, next: { $ref: '#/components/schemas/T' } } },
  });
  const found = schemaComparer(tree({ type: 'string' }), tree({ type: 'null' }))(
    'request',
    'x',
    { $ref: '#/components/schemas/T' },
    { $ref: '#/components/schemas/T' },
  );
  expect(found.map(({ where }) => where)).toEqual(['request T.leaf']);
});

test('a schema of an event never changes, and its version goes only when a later one does for its readers', () => {
  const { shape } = placed.data;
  expect(eventsBrokenBy(anotherPlaced(1, shape))).toEqual([]);
  expect(eventsBrokenBy()).toEqual(['event-removed event order.reserved@1']);
  expect(eventsBrokenBy(anotherPlaced(1, { ...shape, more: z.string() }))).toEqual([
    'event-changed event order.reserved@1',
  ]);
  expect(eventsBrokenBy(anotherPlaced(2, { ...shape, more: z.string() }))).toEqual([]);
  const less = anotherPlaced(2, { orderId: shape.orderId! });
  expect(new Set(eventsBrokenBy(less))).toEqual(new Set(['event-removed event order.reserved@1']));
  expect(eventsBrokenBy(placed, less)).toEqual([]);
});

test('an exception needs a rule that exists, a change that it allows, and a reason', () => {
  const change = { rule: 'answer-removed', where: 'answer Order.number', what: 'is gone' } as const;
  const exception = { rule: change.rule, where: change.where, reason: 'nobody has read it since 0.2' };
  expect(findings([change], [exception])).toEqual([]);
  expect(findings([change], [])).toEqual(['answer Order.number is gone [answer-removed]']);
  expect(findings([], [exception])).toEqual(['exception for answer Order.number: nothing needs it [answer-removed]']);
  expect(findings([change], [exception, { ...exception, rule: 'gone' }])).toEqual([
    'exception for answer Order.number: gone is no rule',
  ]);
  expect(findings([change], [{ ...exception, reason: '' }])).toEqual([
    'exception for answer Order.number has no reason [answer-removed]',
  ]);
});

test('the command refuses a breaking change, takes it with an exception, and records a release that may break', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-api-'));
  try {
    const lines: string[] = [];
    const run = (contract: Json, ...args: string[]) => {
      const now = contractOf(contract);
      return runLintApi(['--directory', directory, ...args], (line) => lines.push(line), now);
    };
    const version = (text: string, change = (_: Json) => {}) => {
      const next = structuredClone(document);
      next.info.version = text;
      change(next);
      return next;
    };
    const broken = (text: string) => version(text, (d) => delete order(d).properties.number);
    expect(await run(broken('1.0.0'))).toBe(0);
    expect(await run(version('1.0.0'), '--record')).toBe(0);
    expect(lines.splice(0)).toEqual(['recorded the contract of 1.0.0']);
    expect(await run(version('1.0.0'))).toBe(0);
    expect(await run(broken('1.0.0'))).toBe(1);
    expect(lines.splice(0)[0]).toBe('answer Order.number is gone [answer-removed]');
    const exception = { rule: 'answer-removed', where: 'answer Order.number', reason: 'an example of a test' };
    await writeFile(join(directory, 'exceptions.json'), JSON.stringify([exception]));
    expect(await run(broken('1.1.0'))).toBe(0);
    expect(await run(broken('1.1.0'), '--record')).toBe(1);
    expect(lines.splice(0)).toEqual(['version 1.1.0 may not break what 1.0.0 had, but exceptions allow it: 1']);
    expect(await run(broken('2.0.0'), '--record')).toBe(0);
    expect(await run(broken('2.0.0'))).toBe(0);
    expect(await runLintApi(['--what'], (line) => lines.push(line))).toBe(2);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
