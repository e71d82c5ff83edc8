import { expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { listAccesses } from '../../lib/contract/api/audit.ts';
import type { Application, Caller } from '../../lib/contract/api/caller.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { accessLine } from '../../lib/contract/deploy/access-line.ts';
import { mostResources } from '../../lib/contract/deploy/access-pattern.ts';
import { accessOf, type Outcome } from '../../lib/http/access-record.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { httpEvent } from '../support/events.ts';

const clock = { now: () => Date.parse('2026-03-14T09:26:53.589Z') };
const someId = (kind: Parameters<typeof newId>[0]): string => newId(kind, clock);
const application: Application = {
  id: someId('application'),
  name: 'Shop',
  kind: 'web',
  scopes: [],
  rateClass: 'standard',
  origins: [],
  sessionsNotBefore: 0,
};
const customerId = someId('customer');
const customer: Caller = { kind: 'customer', address: '203.0.113.7', application, customerId };
const app: Caller = { kind: 'app', address: '203.0.113.7', application, keyId: someId('appKey') };

type Also = {
  caller?: Caller;
  outcome?: Partial<Outcome>;
  parameters?: Record<string, string>;
  touched?: string[];
  contract?: OperationContract;
  address?: string;
};

function lineOf(operation: OperationId, also: Also = {}) {
  const { caller, outcome, parameters, touched = [], contract = { summary: '', responses: {} }, address } = also;
  const event = httpEvent({ ...(parameters && { parameters }), ...(address !== undefined && { address }) });
  const seen = {
    accessId: newId('access', clock),
    requestId: 'req',
    milliseconds: 3.5,
    concerned: undefined,
    touched: new Set(touched),
  };
  const line = accessOf(routes[operation], contract, { event, caller, ...seen }, { status: 200, ...outcome });
  expect(accessLine.safeParse(JSON.parse(JSON.stringify(line))).success).toBe(true);
  return line;
}

test('the time is that of the id, so that either orders a list of accesses', () => {
  expect(lineOf('get-me', { caller: customer }).at).toBe('2026-03-14T09:26:53.589Z');
});

test('the caller: a customer through an application, an application by its key, nobody', () => {
  expect(lineOf('get-me', { caller: customer })).toMatchObject({
    applicationId: application.id,
    customerId,
    keyId: null,
    resources: [customerId],
  });
  expect(lineOf('find-orders', { caller: app })).toMatchObject({
    applicationId: application.id,
    customerId: null,
    keyId: app.kind === 'app' && app.keyId,
    resources: [],
  });
  expect(lineOf('get-me', { outcome: { status: 401, problem: 'unauthenticated' } })).toMatchObject({
    applicationId: null,
    customerId: null,
    keyId: null,
    problem: 'unauthenticated',
  });
});

test('an answer’s orders and their customers are named, each once; its products only when an application changes them', () => {
  const [order, product] = [someId('order'), someId('product')];
  const body = JSON.stringify({ data: [{ id: order, customerId, lines: [{ productId: product }] }, { id: order }] });
  expect(lineOf('list-orders', { caller: customer, outcome: { body } }).resources).toEqual([customerId, order]);
  expect(lineOf('find-orders', { caller: app, outcome: { body } }).resources).toEqual([order, customerId]);
  expect(lineOf('place-order', { caller: customer, outcome: { body } }).resources).toEqual([customerId, order]);
  expect(lineOf('resolve-order', { caller: app, outcome: { body } }).resources).toEqual([order, customerId, product]);
});

test('an id within other text, and text that only resembles one, is not named', () => {
  const order = someId('order');
  const body = JSON.stringify({ note: `see ${order}`, other: order.toUpperCase(), token: `cfs_${'a'.repeat(32)}` });
  expect(lineOf('resolve-order', { caller: app, outcome: { body } }).resources).toEqual([]);
});

test('of a path only ids are recorded', () => {
  const order = someId('order');
  const named = (orderId: string) =>
    lineOf('get-order', { parameters: { orderId }, outcome: { status: 404 } }).resources;
  expect(named(order)).toEqual([order]);
  for (const text of ['ada@example.com', `${order}0`, ` ${order}`, `xyz_${'0'.repeat(32)}`]) {
    expect(named(text)).toEqual([]);
  }
});

test('an answer about accesses is recorded with its filter only', () => {
  const [order, asked] = [someId('order'), someId('customer')];
  const line = lineOf('list-accesses', {
    caller: app,
    contract: listAccesses,
    touched: [asked],
    outcome: { body: JSON.stringify({ data: [{ resources: [order] }] }) },
  });
  expect(line.resources).toEqual([asked]);
});

test('no line names more than the most', () => {
  const body = JSON.stringify(Array.from({ length: 2 * mostResources }, () => someId('order')));
  expect(lineOf('find-orders', { caller: app, outcome: { body } }).resources).toHaveLength(mostResources);
});

test.each([
  ['203.0.113.7', '203.0.113.0/24'],
  ['::ffff:203.0.113.7', '203.0.113.0/24'],
  ['2001:db8:1:2::5', '2001:db8:1::/48'],
  ['', null],
])('of the address %s the network is kept', (address, network) => {
  expect(lineOf('get-me', { address }).network).toBe(network);
});
