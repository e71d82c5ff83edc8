import type { OperationId } from '../lib/contract/operations.ts';
import type { DatabaseRole } from '../lib/contract/roles.ts';
import type { Auth, Route, TableGrants } from '../lib/contract/route.ts';

const endsSessions = { sessions: ['Query', 'BatchWriteItem'] } as const satisfies TableGrants;
const judgesGuesses = { limits: ['BatchGetItem', 'PutItem', 'DeleteItem'] } as const satisfies TableGrants;

const rows = {
  'sign-up': http('POST', '/customers', 'public', 'customers_api'),
  'confirm-email': http('POST', '/customers/confirmations', 'public', 'customers_api'),
  'request-password-reset': http('POST', '/password-resets', 'public', 'customers_api'),
  'reset-password': http('POST', '/password-resets/confirmations', 'public', 'customers_api', {
    tables: { ...endsSessions, limits: ['PutItem', 'DeleteItem'] },
  }),
  'change-password': http('POST', '/customers/me/password', 'session', 'customers_api', {
    tables: { ...endsSessions, ...judgesGuesses },
  }),
  'request-email-change': http('POST', '/customers/me/email', 'session', 'customers_api', { tables: judgesGuesses }),
  'change-email': http('POST', '/customers/email-changes/confirmations', 'public', 'customers_api', {
    tables: endsSessions,
  }),
  'get-me': http('GET', '/customers/me', 'session', 'customers_api'),
  'update-me': http('PATCH', '/customers/me', 'session', 'customers_api'),
  'update-customer': http('PATCH', '/customers/{customerId}', 'app', 'customers_api', { scopes: ['customers:write'] }),
  'sign-in': http('POST', '/sessions', 'public', 'customers_api', {
    tables: { sessions: ['PutItem', 'DeleteItem'], ...judgesGuesses },
  }),
  'list-sessions': http('GET', '/sessions', 'session', null, { tables: { sessions: ['Query'] } }),
  'end-session': http('DELETE', '/sessions/{sessionId}', 'session', null, {
    tables: { sessions: ['Query', 'DeleteItem'] },
  }),
  'sign-out': http('DELETE', '/sessions/current', 'session', null, { tables: { sessions: ['DeleteItem'] } }),
  'sign-out-everywhere': http('DELETE', '/sessions', 'session', null, {
    tables: endsSessions,
  }),
  'list-products': http('GET', '/products', 'public', 'catalog_api'),
  'get-product': http('GET', '/products/{productId}', 'public', 'catalog_api'),
  'create-product': http('POST', '/products', 'app', 'catalog_api', { scopes: ['catalog:write'] }),
  'update-product': http('PATCH', '/products/{productId}', 'app', 'catalog_api', { scopes: ['catalog:write'] }),
  'list-stock-movements': http('GET', '/products/{productId}/stock-movements', 'app', 'catalog_api', {
    scopes: ['stock:write'],
  }),
  'create-stock-movement': http('POST', '/products/{productId}/stock-movements', 'app', 'catalog_api', {
    scopes: ['stock:write'],
  }),
  'create-quote': http('POST', '/quotes', 'public-or-session', 'orders_api'),
  'place-order': http('POST', '/orders', 'session', 'orders_api', { states: ['StartExecution'], waits: true }),
  'list-orders': http('GET', '/orders', 'session', 'orders_api'),
  'get-order': http('GET', '/orders/{orderId}', 'session', 'orders_api'),
  'get-order-timeline': http('GET', '/orders/{orderId}/timeline', 'session', 'orders_api'),
  'cancel-order': http('POST', '/orders/{orderId}/cancel', 'session', 'orders_api', {
    states: ['StartExecution', 'SendTaskSuccess'],
    tables: { awaitedPayments: ['UpdateItem'] },
    waits: true,
  }),
  'request-refund': http('POST', '/orders/{orderId}/refunds', 'app', 'refunds_api', {
    scopes: ['orders:refund'],
    states: ['StartExecution'],
    waits: true,
  }),
  'settle-simulated-payment': http('POST', '/simulated-payments/{orderId}', 'session', 'orders_api', {
    tables: { charges: ['GetItem', 'UpdateItem'], awaitedPayments: ['UpdateItem'] },
    states: ['SendTaskSuccess'],
    provider: 'simulated',
  }),
  'receive-stripe-event': http('POST', '/webhooks/stripe', 'public', null, {
    rateClass: 'exempt',
    tables: { webhookEvents: ['GetItem', 'PutItem'], awaitedPayments: ['UpdateItem'] },
    states: ['SendTaskSuccess'],
    provider: 'stripe',
  }),
  'list-refunds': http('GET', '/orders/{orderId}/refunds', 'app', 'refunds_api', { scopes: ['orders:refund'] }),
  'get-refund': http('GET', '/orders/{orderId}/refunds/{refundId}', 'app', 'refunds_api', {
    scopes: ['orders:refund'],
  }),
  'list-findings': http('GET', '/operations/findings', 'app', 'monitor', { scopes: ['orders:operate'] }),
  'find-orders': http('GET', '/operations/orders', 'app', 'operations', { scopes: ['orders:operate'] }),
  'explain-order': http('GET', '/operations/orders/{orderId}', 'app', 'operations', {
    scopes: ['orders:operate'],
    states: ['DescribeExecution', 'GetExecutionHistory'],
  }),
  'retry-undo': http('POST', '/operations/orders/{orderId}/retry', 'app', 'operations', {
    scopes: ['orders:operate'],
    states: ['StartExecution'],
  }),
  'resolve-order': http('POST', '/operations/orders/{orderId}/resolve', 'app', 'operations', {
    scopes: ['orders:operate'],
  }),
  'get-health': http('GET', '/health', 'public', 'monitor', {
    rateClass: 'exempt',
    tables: { sessions: ['GetItem'] },
    states: ['DescribeStateMachine'],
  }),
  'get-openapi': http('GET', '/openapi.json', 'public', null),
  'get-docs': http('GET', '/docs', 'public', null),
} as const satisfies Record<OperationId, unknown>;

/**
 * THE HTTP table: operation → method, path, door, authentication, scopes, rate class, database role. An operation's
 * door is the file named like it.
 */
export const routes = Object.fromEntries(
  Object.entries(rows).map(([operation, row]) => [operation, { operation, door: `http/${operation}`, ...row }]),
) as unknown as { readonly [O in OperationId]: Route<(typeof rows)[O]['auth']> };

type Row<A extends Auth> = Omit<Route<A>, 'operation' | 'door'>;
type Extras = Pick<Partial<Route>, 'scopes' | 'rateClass' | 'tables' | 'states' | 'provider' | 'waits'>;

function http<A extends Auth>(
  method: Route['method'],
  path: string,
  auth: A,
  databaseRole: DatabaseRole | null,
  extras: Extras = {},
): Row<A> {
  return { method, path, auth, databaseRole, scopes: [], rateClass: 'standard', ...extras };
}
