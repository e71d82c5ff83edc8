import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type StepName, steps } from '../../functions/steps.ts';
import { startStates } from '../../infra/local/states/start.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { localMachines, machineVariables } from '../support/definitions.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let states: Awaited<ReturnType<typeof startStates>>;
let token: string;

beforeAll(async () => {
  states = await startStates({
    machines: localMachines(),
    waitScale: 0,
    invoke: async (step, payload) => {
      const file = steps[step as StepName].handler.slice('saga/'.length);
      const { handler } = await import(`../../functions/saga/${file}.ts`);
      return handler(payload);
    },
  });
  handlers = await openLiveHandlers({
    AWS_ENDPOINT_URL_SFN: states.endpoint,
    ...machineVariables,
    RATE_LIMIT_PER_MINUTE: '100000',
  });
  token = await handlers.appKey('orders:review');
});
afterAll(async () => {
  await states?.stop();
  await handlers?.close();
});

const job = async (name: 'snapshot-provider-transactions' | 'reconcile' | 'reconcile-books') =>
  (await import(`../../functions/jobs/${name}.ts`)).handler({});
const list = (query: Record<string, string> = {}) => handlers.call('list-findings', { token, query });

describe('through the handlers as they are deployed', () => {
  test('an orphaned charge is found, refunded by an execution, shown to operations, and cleared', async () => {
    const orderId = newId('order', systemClock);
    const createdAt = new Date(Date.now() - 2 * 3600_000).toISOString();
    const reference = `sim_ch_${orderId}`;
    const Item = {
      orderId,
      reference,
      status: 'captured',
      amount: 700,
      currency: 'EUR',
      paymentMethod: 'x',
      createdAt,
    };
    await handlers.dynamo.documents.send(new PutCommand({ TableName: 'charges', Item }));

    expect(await job('snapshot-provider-transactions')).toEqual({ read: 1, written: 1, complete: true });
    expect(await job('reconcile')).toMatchObject({ found: 1, repaired: 1, open: { 'orphaned-charge': 1 } });
    await states.idle();
    const { Item: after } = await handlers.dynamo.documents.send(
      new GetCommand({ TableName: 'charges', Key: { orderId } }),
    );
    expect(after).toMatchObject({ status: 'refunded' });
    const open = await list();
    expect(open).toMatchObject({
      status: 200,
      body: { data: [{ kind: 'orphaned-charge', subject: reference, repair: 'started', clearedAt: null }] },
    });
    expect(open.body.data[0].details.charge).toMatchObject({ amount: 700, refundedAmount: 0 });

    expect(await job('snapshot-provider-transactions')).toMatchObject({ read: 2, written: 1 });
    expect(await job('reconcile')).toMatchObject({ found: 0, repaired: 0, open: { 'orphaned-charge': 0 } });
    expect(await job('reconcile-books')).toEqual({ days: 3, found: 0 });
    expect((await list()).body.data).toEqual([]);
    expect((await list({ state: 'cleared' })).body.data).toMatchObject([{ subject: reference, repair: 'done' }]);
  });
});

describe('the list of findings', () => {
  beforeAll(async () => {
    for (let n = 0; n < 5; n++) {
      await handlers.owner`
        insert into monitor.findings (id, kind, subject, details, advice, first_seen, last_seen, cleared_at)
        values (
          ${newId('finding', systemClock)}, ${n % 2 === 0 ? 'charge-twice' : 'amount-differs'}, ${`ch_${n}`}, '{}', 'Look.',
          now(), now(), ${n === 4 ? new Date() : null}
        )`;
    }
  });
  const subjects = (answer: { body: { data: { subject: string }[] } }) =>
    answer.body.data.map(({ subject }) => subject);

  test('comes newest first, open ones only, page by page', async () => {
    const first = await list({ limit: '3' });
    expect(subjects(first)).toEqual(['ch_3', 'ch_2', 'ch_1']);
    expect(first.body.hasMore).toBe(true);
    const second = await list({ limit: '3', cursor: first.body.nextCursor });
    expect(subjects(second)).toEqual(['ch_0']);
    expect(second.body).toMatchObject({ hasMore: false, nextCursor: null });
  });

  test('of one kind, and of those that were cleared', async () => {
    expect(subjects(await list({ kind: 'charge-twice' }))).toEqual(['ch_2', 'ch_0']);
    expect(subjects(await list({ kind: 'charge-twice', state: 'all' }))).toEqual(['ch_4', 'ch_2', 'ch_0']);
    expect(subjects(await list({ kind: 'charge-twice', state: 'cleared' }))).toEqual(['ch_4']);
  });

  test('needs the scope for operating orders, and refuses unknown parameters', async () => {
    const other = await handlers.appKey('stock:write');
    expect((await handlers.call('list-findings', { token: other })).status).toBe(403);
    expect((await handlers.call('list-findings')).status).toBe(401);
    expect((await list({ kind: 'nothing' })).status).toBe(400);
    const { nextCursor } = (await list({ limit: '1' })).body;
    expect(await list({ cursor: nextCursor, kind: 'charge-twice' })).toMatchObject({
      status: 400,
      body: { code: 'invalid-cursor' },
    });
  });
});
