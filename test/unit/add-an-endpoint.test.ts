import { expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { dynamoTable } from '../../infra/docs/sections.ts';
import { handlerSources } from '../../infra/handlers.ts';
import { buildDocument } from '../../infra/openapi/document.ts';
import { examplesOf } from '../../infra/openapi/example-of.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { type OperationId, operations } from '../../lib/contract/api/operations.ts';
import type { TableName } from '../../lib/contract/deploy/tables.ts';
import { renderPage } from '../../lib/contract/docs/page.ts';
import { tableName } from '../../lib/platform/config.ts';
import { functionOf, ofType, roleOf, statementsOf, synthesized } from '../infra/synthesized.ts';

/*
 * Walks docs/how-to/add-an-endpoint.md: a contract, a row of the HTTP table and a row of the table of tables are added,
 * and nothing else, and everything that is derived knows the endpoint and the table.
 */

const added = vi.hoisted(() => ({ operation: 'get-order-invoice', table: 'paidInvoices' }));
const id = added.operation as OperationId;

vi.mock('../../lib/contract/api/orders.ts', async (original) => {
  const { order, ...others } = await original<typeof import('../../lib/contract/api/orders.ts')>();
  const { id, money, timestamp } = await import('../../lib/contract/api/common.ts');
  const { object, strictObject, string } = await import('zod/mini');
  const getOrderInvoice = {
    summary: 'Read the invoice of an order',
    path: strictObject({ orderId: id('order') }),
    responses: { 200: object({ orderId: id('order'), order, name: string(), total: money, issuedAt: timestamp }) },
    problems: ['not-found'],
    etag: true,
  };
  return { ...others, order, getOrderInvoice };
});

vi.mock('../../functions/routes.ts', async (original) => {
  const { routes } = await original<typeof import('../../functions/routes.ts')>();
  const row = {
    ...routes['get-order'],
    operation: added.operation,
    handler: `http/${added.operation}`,
    path: '/orders/{orderId}/invoice',
    tables: { [added.table]: ['GetItem'] },
  };
  return { routes: { ...routes, [added.operation]: row } };
});

vi.mock('../../lib/contract/deploy/tables.ts', async (original) => {
  const { tables, ...others } = await original<typeof import('../../lib/contract/deploy/tables.ts')>();
  const row = { partitionKey: 'orderId', ttlAttribute: 'expiresAt', holds: 'invoices', recoverable: true };
  return { ...others, tables: { ...tables, [added.table]: row } };
});

test('the operation is found by what its file exports', () => {
  expect(operations[id].summary).toBe('Read the invoice of an order');
  expect(Object.values(handlerSources())).toContain('functions/http/get-order-invoice.ts');
});

test('the reference describes it, with an example that its schema takes', () => {
  const document = buildDocument();
  const operation = document.paths['/orders/{orderId}/invoice']!.get!;
  expect(operation).toMatchObject({ operationId: id, tags: ['Orders'] });
  const contract: OperationContract = operations[id];
  const { answers } = examplesOf(id);
  expect(operation.responses[200]).toMatchObject({ content: { 'application/json': { example: answers[200] } } });
  expect(z.safeParse(contract.responses[200] as z.ZodMiniType, answers[200])).toMatchObject({ success: true });
  expect(renderPage(document)).toContain('<article id="get-order-invoice" ');
});

test('the stage deploys, routes, grants and monitors it', () => {
  const { shop, monitoring } = synthesized('dev');
  const [, fn] = functionOf(shop, 'dev', 'http/get-order-invoice');
  expect(Object.keys(fn.Properties.Environment.Variables)).toContain('PAID_INVOICES_TABLE');
  const allowed = statementsOf(shop, roleOf(fn)).filter(({ Action }) => Action[0] === 'dynamodb:GetItem');
  expect(JSON.stringify(allowed)).toContain('TablesPaidInvoices');
  const keys = ofType(shop, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties.RouteKey);
  expect(keys).toContain('GET /orders/{orderId}/invoice');
  expect(JSON.stringify(ofType(monitoring, 'AWS::CloudWatch::Dashboard'))).toContain('get-order-invoice');
}, 300_000);

test('the table is created, watched, named to functions and listed in the docs', () => {
  const { data, monitoring } = synthesized('dev');
  const [, table] = ofType(data, 'AWS::DynamoDB::Table').find(([name]) => name.startsWith('TablesPaidInvoices'))!;
  expect(table.Properties).toMatchObject({
    KeySchema: [{ AttributeName: 'orderId', KeyType: 'HASH' }],
    TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
  });
  const alarms = ofType(monitoring, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties.AlarmName);
  expect(alarms).toContain('counterfoil-dev-table-paidInvoices-throttled');
  vi.stubEnv('PAID_INVOICES_TABLE', 'one-of-the-stage');
  expect(tableName(added.table as TableName)).toBe('one-of-the-stage');
  expect(dynamoTable()).toContain('| `paidInvoices` | `PAID_INVOICES_TABLE` |');
});
