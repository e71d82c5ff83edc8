import { describe, expect, test } from 'vitest';
import { consumers } from '../../functions/consumers.ts';
import { jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import { grantsOf } from '../../infra/grants.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';

const http = (row: Route) => grantsOf({ kind: 'http', row }, 'simulated');

describe('an HTTP handler', () => {
  test('that anyone may call only counts its callers', () => {
    expect(http(routes['get-openapi'])).toEqual({
      databaseRole: null,
      tables: { limits: ['UpdateItem'] },
      states: {},
      payments: null,
      webhook: false,
      publishes: [],
      mails: false,
    });
  });

  test('that is not limited does not count', () => {
    expect(http(routes['get-health']).tables).toEqual({ sessions: ['GetItem'] });
  });

  test('for customers reads their session and moves its expiry', () => {
    expect(http(routes['get-me']).tables).toEqual({
      limits: ['UpdateItem'],
      applications: ['GetItem'],
      sessions: ['GetItem', 'UpdateItem'],
      issuerKeys: ['GetItem'],
      identities: ['GetItem'],
    });
  });

  test('for any application reads every kind of credential', () => {
    expect(http(routes['create-quote']).tables).toMatchObject({
      sessions: ['GetItem', 'UpdateItem'],
      appKeys: ['GetItem', 'UpdateItem'],
    });
  });

  test('for applications reads their key, and no session', () => {
    expect(http(routes['create-product']).tables).toEqual({
      limits: ['UpdateItem'],
      applications: ['GetItem'],
      appKeys: ['GetItem', 'UpdateItem'],
      cache: ['UpdateItem'],
    });
  });

  test('of an order or a quote cannot read the cache: prices for orders come from the database', () => {
    const all = [
      ...Object.values<Route>(routes).map((row) => ({ kind: 'http', row }) as const),
      ...Object.values(steps).map((row) => ({ kind: 'step', row }) as const),
      ...Object.values(jobs).map((row) => ({ kind: 'job', row }) as const),
      ...Object.values(consumers).map((row) => ({ kind: 'consumer', row }) as const),
    ];
    const knowing = all.flatMap((handler) => {
      const { cache } = grantsOf(handler, 'simulated').tables;
      return cache === undefined ? [] : [[handler.row.handler, cache]];
    });
    expect(Object.fromEntries(knowing)).toEqual({
      'http/list-products': ['BatchGetItem', 'GetItem', 'UpdateItem'],
      'http/list-variants': ['BatchGetItem', 'GetItem', 'UpdateItem'],
      'http/create-variant': ['UpdateItem'],
      'http/get-product': ['BatchGetItem', 'GetItem', 'UpdateItem'],
      'http/create-product': ['UpdateItem'],
      'http/update-product': ['UpdateItem'],
      'http/list-categories': ['BatchGetItem', 'GetItem', 'UpdateItem'],
      'http/create-category': ['UpdateItem'],
      'http/update-category': ['UpdateItem'],
      'jobs/run-imports': ['UpdateItem'],
      'consumers/supersede-products': ['GetItem', 'UpdateItem'],
    });
  });

  test('adds what its row says to what it needs anyway, each once', () => {
    const row: Route = { ...routes['sign-out'], tables: { sessions: ['DeleteItem', 'GetItem'] } };
    expect(http(row).tables.sessions).toEqual(['DeleteItem', 'GetItem', 'UpdateItem']);
  });

  test('that receives Stripe’s events reads their signing secret, and calls no provider', () => {
    expect(grantsOf({ kind: 'http', row: routes['receive-stripe-event'] }, 'stripe')).toEqual({
      databaseRole: null,
      tables: { webhookEvents: ['GetItem', 'PutItem'], awaitedPayments: ['UpdateItem'] },
      states: { placing: ['SendTaskSuccess'] },
      payments: null,
      webhook: true,
      publishes: [],
      mails: false,
    });
  });

  test('that asks other rooms logs in as their readers, too', () => {
    expect(http(routes['get-order'])).toMatchObject({
      databaseRole: 'orders_api',
      asks: ['profiles_api', 'catalog_reader'],
    });
  });

  test('that places orders may start the saga that places them', () => {
    expect(http(routes['place-order'])).toMatchObject({
      databaseRole: 'orders_api',
      states: { placing: ['StartExecution'] },
    });
  });
});

describe('a step', () => {
  const charge = { kind: 'step', row: steps.ChargePayment } as const;

  test('that charges by the simulated provider keeps its charges, and has no database', () => {
    expect(grantsOf(charge, 'simulated')).toEqual({
      databaseRole: null,
      tables: { charges: ['GetItem', 'PutItem', 'UpdateItem'] },
      states: {},
      payments: 'simulated',
      webhook: false,
      publishes: [],
      mails: false,
    });
  });

  test('that charges by stripe keeps nothing here', () => {
    expect(grantsOf(charge, 'stripe')).toEqual({
      databaseRole: null,
      tables: {},
      states: {},
      payments: 'stripe',
      webhook: false,
      publishes: [],
      mails: false,
    });
  });

  test('that does not call the provider has no rights on it', () => {
    expect(grantsOf({ kind: 'step', row: steps.ReserveStock }, 'stripe')).toEqual({
      databaseRole: 'saga',
      tables: {},
      states: {},
      payments: null,
      webhook: false,
      publishes: [],
      mails: false,
    });
  });
});

test('a job has what its row says', () => {
  expect(grantsOf({ kind: 'job', row: jobs['sweep-orders'] }, 'stripe')).toEqual({
    databaseRole: 'saga',
    tables: { awaitedPayments: ['UpdateItem'] },
    states: {
      placing: ['StartExecution', 'DescribeExecution', 'SendTaskSuccess'],
      compensating: ['StartExecution', 'DescribeExecution'],
      capturing: ['StartExecution', 'DescribeExecution'],
      refunding: ['StartExecution', 'DescribeExecution'],
    },
    payments: null,
    webhook: false,
    publishes: [],
    mails: false,
  });
});

test('a job that reads the provider’s transactions may look at the simulated one’s charges, and change none', () => {
  const row = jobs['snapshot-provider-transactions'];
  const tables = { providerCharges: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem'] };
  expect(grantsOf({ kind: 'job', row }, 'simulated')).toEqual({
    databaseRole: null,
    tables: { ...tables, charges: ['Scan'] },
    states: {},
    payments: 'simulated',
    webhook: false,
    publishes: [],
    mails: false,
  });
  expect(grantsOf({ kind: 'job', row }, 'stripe')).toEqual({
    databaseRole: null,
    tables,
    states: {},
    payments: 'stripe',
    webhook: false,
    publishes: [],
    mails: false,
  });
});

test('the job that sends mails may, and no other handler', () => {
  expect(grantsOf({ kind: 'job', row: jobs['send-mails'] }, 'stripe')).toEqual({
    databaseRole: 'mailer',
    tables: {},
    states: {},
    payments: null,
    webhook: false,
    publishes: [],
    mails: true,
  });
});

test('a handler of log lines has its role, and nothing else', () => {
  expect(grantsOf({ kind: 'stream', row: streams['record-access'] }, 'stripe')).toEqual({
    databaseRole: 'audit_writer',
    tables: {},
    states: {},
    payments: null,
    webhook: false,
    publishes: [],
    mails: false,
  });
});
