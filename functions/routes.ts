import type { OperationId } from '../lib/contract/operations.ts';
import type { DatabaseRole, Scope } from '../lib/contract/roles.ts';

/** DynamoDB tables of the product, by what they hold. */
export type TableName = 'sessions' | 'limits' | 'appKeys' | 'charges';
export type TableActions = readonly (
  | 'GetItem'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'Query'
  | 'BatchWriteItem'
)[];
export type TableGrants = Readonly<Partial<Record<TableName, TableActions>>>;

/** Who may call: nobody in particular, a signed-in customer, either of the two, or an application by its key. */
export type Auth = 'public' | 'session' | 'public-or-session' | 'app';

export type Route = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** File under functions/, without its ending. */
  door: string;
  auth: Auth;
  scopes: readonly Scope[];
  rateClass: 'standard' | 'exempt';
  /** PostgreSQL login role; null for a door that stays outside the VPC. */
  databaseRole: DatabaseRole | null;
  /** DynamoDB beyond what authentication and limits need. */
  tables?: TableGrants;
  /** What the door does with the state machine. */
  states?: readonly ('StartExecution' | 'DescribeStateMachine')[];
  /** Waits for the saga on request, so it may run as long as an HTTP API lets it. */
  waits?: true;
};

const rows = {
  'sign-up': http('POST', '/customers', 'public', 'customers_api'),
  'get-me': http('GET', '/customers/me', 'session', 'customers_api'),
  'update-me': http('PATCH', '/customers/me', 'session', 'customers_api'),
  'update-customer': http('PATCH', '/customers/{customerId}', 'app', 'customers_api', { scopes: ['customers:write'] }),
  'sign-in': http('POST', '/sessions', 'public', 'customers_api', {
    tables: { sessions: ['PutItem'], limits: ['GetItem', 'DeleteItem'] },
  }),
  'sign-out': http('DELETE', '/sessions/current', 'session', null, { tables: { sessions: ['DeleteItem'] } }),
  'sign-out-everywhere': http('DELETE', '/sessions', 'session', null, {
    tables: { sessions: ['Query', 'BatchWriteItem'] },
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
    states: ['StartExecution'],
    waits: true,
  }),
  'get-health': http('GET', '/health', 'public', 'monitor', {
    rateClass: 'exempt',
    tables: { sessions: ['GetItem'] },
    states: ['DescribeStateMachine'],
  }),
  'get-openapi': http('GET', '/openapi.json', 'public', null),
  'get-docs': http('GET', '/docs', 'public', null),
} as const satisfies Record<OperationId, Omit<Route, 'door'>>;

/**
 * THE HTTP table: operation → method, path, door, authentication, scopes, rate class, database role. An operation's
 * door is the file named like it.
 */
export const routes = Object.fromEntries(
  Object.entries(rows).map(([operation, row]) => [operation, { ...row, door: `http/${operation}` }]),
) as unknown as Readonly<Record<OperationId, Route>>;

export type { OperationId };

type Extras = Pick<Partial<Route>, 'scopes' | 'rateClass' | 'tables' | 'states' | 'waits'>;

function http(
  method: Route['method'],
  path: string,
  auth: Auth,
  databaseRole: DatabaseRole | null,
  extras: Extras = {},
): Omit<Route, 'door'> {
  return { method, path, auth, databaseRole, scopes: [], rateClass: 'standard', ...extras };
}
