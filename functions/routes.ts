import type { OperationId } from '../lib/contract/api/operations.ts';
import type { DatabaseRole } from '../lib/contract/deploy/roles.ts';
import type { Auth, Route } from '../lib/contract/deploy/route.ts';
import type { TableGrants } from '../lib/contract/deploy/tables.ts';

const endsSessions = { sessions: ['Query', 'BatchWriteItem'], identities: ['PutItem'] } as const satisfies TableGrants;
const judgesLoginAttempts = { limits: ['BatchGetItem', 'PutItem', 'DeleteItem'] } as const satisfies TableGrants;

const readsCache = { cache: ['GetItem', 'BatchGetItem', 'UpdateItem'] } as const satisfies TableGrants;
const movesCachePointers = { cache: ['UpdateItem'] } as const satisfies TableGrants;

/** Reports are heavy, so an application has few of them at once. */
const reads = { scopes: ['reports:read'], concurrent: 5, readsReader: true, warehouse: 'reads' } as const;

/** Webhooks bring events, so who manages them may read events. */
const managesWebhooks = { scopes: ['webhooks:manage', 'events:read'] } as const;

/** Figures go out of the shop to whoever an application names, again and again: more than to read them. */
const schedulesReports = { scopes: ['reports:read', 'reports:schedule'] } as const;

const fulfils = { scopes: ['orders:fulfil'] } as const;

const rows = {
  'sign-up': http('POST', '/customers', 'client', 'customers_api', { scopes: ['customers:write'] }),
  'confirm-email': http('POST', '/customers/confirmations', 'client', 'customers_api', {
    scopes: ['customers:write'],
    tables: { ...endsSessions, identities: ['PutItem', 'DeleteItem'] },
    writesEvents: true,
  }),
  'request-password-reset': http('POST', '/password-resets', 'client', 'customers_api', {
    scopes: ['customers:write'],
  }),
  'reset-password': http('POST', '/password-resets/confirmations', 'client', 'customers_api', {
    scopes: ['customers:write'],
    tables: { ...endsSessions, identities: ['PutItem', 'DeleteItem'], limits: ['PutItem', 'DeleteItem'] },
    writesEvents: true,
  }),
  'change-password': http('POST', '/customers/me/password', 'session', 'customers_api', {
    scopes: ['customers:write'],
    tables: { ...endsSessions, ...judgesLoginAttempts },
  }),
  'request-email-change': http('POST', '/customers/me/email', 'session', 'customers_api', {
    scopes: ['customers:write'],
    tables: judgesLoginAttempts,
  }),
  'change-email': http('POST', '/customers/email-changes/confirmations', 'client', 'customers_api', {
    scopes: ['customers:write'],
    tables: endsSessions,
    writesEvents: true,
  }),
  'get-me': http('GET', '/customers/me', 'customer', 'profiles_api'),
  'update-me': http('PATCH', '/customers/me', 'customer', 'customers_api', {
    scopes: ['customers:write'],
    writesEvents: true,
  }),
  'list-my-addresses': http('GET', '/customers/me/addresses', 'customer', 'profiles_api', {
    scopes: ['customers:read'],
  }),
  'add-my-address': http('POST', '/customers/me/addresses', 'customer', 'customers_api', {
    scopes: ['customers:write'],
  }),
  'replace-my-address': http('PUT', '/customers/me/addresses/{addressId}', 'customer', 'customers_api', {
    scopes: ['customers:write'],
  }),
  'delete-my-address': http('DELETE', '/customers/me/addresses/{addressId}', 'customer', 'customers_api', {
    scopes: ['customers:write'],
  }),
  'export-me': http('GET', '/customers/me/export', 'session', 'customer_export', {
    recent: true,
    scopes: ['customers:read'],
    tables: { sessions: ['Query'] },
    concurrent: 5,
  }),
  'erase-me': http('DELETE', '/customers/me', 'session', 'customer_erasure', {
    recent: true,
    scopes: ['customers:write'],
    tables: { sessions: ['Query', 'BatchWriteItem'], identities: ['DeleteItem'] },
    writesEvents: true,
  }),
  'list-customers': http('GET', '/customers', 'app', 'profiles_api', { scopes: ['customers:read'] }),
  'get-customer': http('GET', '/customers/{customerId}', 'app', 'profiles_api', {
    scopes: ['customers:read'],
    asks: ['back_office_api'],
  }),
  'update-customer': http('PATCH', '/customers/{customerId}', 'app', 'customers_api', {
    scopes: ['customers:write'],
    tables: { ...endsSessions, identities: ['PutItem', 'DeleteItem'] },
    writesEvents: true,
  }),
  'end-customer-sessions': http('DELETE', '/customers/{customerId}/sessions', 'app', 'customers_api', {
    scopes: ['customers:write'],
    tables: { ...endsSessions, identities: ['PutItem', 'DeleteItem'] },
  }),
  'sign-in': http('POST', '/sessions', 'client', 'customers_api', {
    writesEvents: true,
    tables: {
      ...judgesLoginAttempts,
      sessions: ['PutItem', 'DeleteItem', 'Query', 'BatchWriteItem'],
      identities: ['PutItem'],
      limits: [...judgesLoginAttempts.limits, 'UpdateItem'],
    },
  }),
  'list-sessions': http('GET', '/sessions', 'session', null, { tables: { sessions: ['Query'] } }),
  'end-session': http('DELETE', '/sessions/{sessionId}', 'session', null, {
    tables: { sessions: ['Query', 'DeleteItem'] },
  }),
  'sign-out': http('DELETE', '/sessions/current', 'session', null, { tables: { sessions: ['DeleteItem'] } }),
  'sign-out-everywhere': http('DELETE', '/sessions', 'session', 'customers_api', {
    tables: endsSessions,
  }),
  'link-identity': http('POST', '/customers/me/identities', 'session', 'customers_api', {
    recent: true,
    scopes: ['customers:write'],
    tables: { identities: ['PutItem'] },
  }),
  'list-identities': http('GET', '/customers/me/identities', 'session', 'profiles_api'),
  'unlink-identity': http('DELETE', '/customers/me/identities/{identityId}', 'session', 'customers_api', {
    recent: true,
    scopes: ['customers:write'],
    tables: { ...endsSessions, identities: ['PutItem', 'DeleteItem'] },
  }),
  'list-customer-identities': http('GET', '/customers/{customerId}/identities', 'app', 'profiles_api', {
    scopes: ['customers:read'],
  }),
  'unlink-customer-identity': http(
    'DELETE',
    '/customers/{customerId}/identities/{identityId}',
    'app',
    'customers_api',
    {
      scopes: ['customers:write'],
      tables: { ...endsSessions, identities: ['PutItem', 'DeleteItem'] },
    },
  ),
  'list-products': http('GET', '/products', 'client', 'catalog_reader', {
    scopes: ['catalog:read'],
    tables: readsCache,
  }),
  'get-product': http('GET', '/products/{productId}', 'client', 'catalog_reader', {
    scopes: ['catalog:read'],
    tables: readsCache,
  }),
  'create-product': http('POST', '/products', 'app', 'catalog_api', {
    scopes: ['catalog:write'],
    tables: movesCachePointers,
    writesEvents: true,
  }),
  'update-product': http('PATCH', '/products/{productId}', 'app', 'catalog_api', {
    scopes: ['catalog:write'],
    tables: movesCachePointers,
    writesEvents: true,
  }),
  'list-variants': http('GET', '/products/{productId}/variants', 'client', 'catalog_reader', {
    scopes: ['catalog:read'],
    tables: readsCache,
  }),
  'create-variant': http('POST', '/products/{productId}/variants', 'app', 'catalog_api', {
    scopes: ['catalog:write'],
    tables: movesCachePointers,
    writesEvents: true,
  }),
  'import-products': http('POST', '/products/import', 'app', 'catalog_api', {
    scopes: ['catalog:write'],
    concurrent: 2,
  }),
  'import-stock-movements': http('POST', '/stock-movements/import', 'app', 'catalog_api', {
    scopes: ['stock:write'],
    concurrent: 2,
  }),
  'get-import': http('GET', '/imports/{importId}', 'app', 'catalog_api'),
  'list-categories': http('GET', '/categories', 'client', 'catalog_reader', {
    scopes: ['catalog:read'],
    tables: readsCache,
  }),
  'create-category': http('POST', '/categories', 'app', 'catalog_api', {
    scopes: ['catalog:write'],
    tables: movesCachePointers,
  }),
  'update-category': http('PATCH', '/categories/{categoryId}', 'app', 'catalog_api', {
    scopes: ['catalog:write'],
    tables: movesCachePointers,
  }),
  'list-stock-movements': http('GET', '/products/{productId}/stock-movements', 'app', 'catalog_api', {
    scopes: ['stock:read'],
  }),
  'create-stock-movement': http('POST', '/products/{productId}/stock-movements', 'app', 'catalog_api', {
    scopes: ['stock:write'],
    writesEvents: true,
  }),
  'update-stock-level': http('PATCH', '/products/{productId}/stock-level', 'app', 'catalog_api', {
    scopes: ['stock:write'],
  }),
  'list-shipping-methods': http('GET', '/shipping-methods', 'client', 'catalog_reader', { scopes: ['catalog:read'] }),
  'put-shipping-method': http('PUT', '/shipping-methods/{code}', 'app', 'catalog_api', { scopes: ['catalog:write'] }),
  'delete-shipping-method': http('DELETE', '/shipping-methods/{code}', 'app', 'catalog_api', {
    scopes: ['catalog:write'],
  }),
  'list-tax-rates': http('GET', '/tax-rates', 'app', 'catalog_api', { scopes: ['catalog:read'] }),
  'put-tax-rate': http('PUT', '/tax-rates/{code}', 'app', 'catalog_api', { scopes: ['catalog:write'] }),
  'delete-tax-rate': http('DELETE', '/tax-rates/{code}', 'app', 'catalog_api', { scopes: ['catalog:write'] }),
  'list-coupons': http('GET', '/coupons', 'app', 'catalog_api', { scopes: ['catalog:write'] }),
  'get-coupon': http('GET', '/coupons/{code}', 'app', 'catalog_api', { scopes: ['catalog:write'] }),
  'put-coupon': http('PUT', '/coupons/{code}', 'app', 'catalog_api', { scopes: ['catalog:write'] }),
  'create-quote': http('POST', '/quotes', 'client', 'orders_api', { scopes: ['catalog:read'] }),
  'place-order': http('POST', '/orders', 'client', 'orders_api', {
    scopes: ['orders:place'],
    states: { placing: ['StartExecution'] },
    writesEvents: true,
    waits: true,
  }),
  'list-orders': http('GET', '/orders', 'customerOrApp', 'orders_api', {
    scopes: ['orders:read'],
    asks: ['back_office_api', 'profiles_api'],
  }),
  'get-order': http('GET', '/orders/{orderId}', 'client', 'orders_api', {
    scopes: ['orders:read'],
    asks: ['profiles_api', 'catalog_reader'],
  }),
  'update-order': http('PATCH', '/orders/{orderId}', 'client', 'orders_api', {
    scopes: ['orders:place'],
    writesEvents: true,
  }),
  'get-order-timeline': http('GET', '/orders/{orderId}/timeline', 'client', 'orders_api', {
    scopes: ['orders:read'],
  }),
  'cancel-order': http('POST', '/orders/{orderId}/cancel', 'client', 'cancellations_api', {
    scopes: ['orders:place'],
    states: { placing: ['SendTaskSuccess'], compensating: ['StartExecution'], refunding: ['StartExecution'] },
    tables: { awaitedPayments: ['UpdateItem'] },
    waits: true,
  }),
  'request-capture': http('POST', '/orders/{orderId}/capture', 'app', 'refunds_api', {
    scopes: ['orders:capture'],
    states: { capturing: ['StartExecution'] },
    waits: true,
  }),
  'get-capture': http('GET', '/orders/{orderId}/capture', 'app', 'refunds_api', { scopes: ['orders:capture'] }),
  'request-refund': http('POST', '/orders/{orderId}/refunds', 'app', 'refunds_api', {
    scopes: ['orders:refund'],
    states: { refunding: ['StartExecution'] },
    waits: true,
  }),
  'create-fulfilment': http('POST', '/orders/{orderId}/fulfilments', 'app', 'fulfilment_api', fulfils),
  'list-fulfilments': http('GET', '/orders/{orderId}/fulfilments', 'client', 'fulfilment_api', {
    scopes: ['orders:read'],
  }),
  'get-fulfilment': http('GET', '/orders/{orderId}/fulfilments/{fulfilmentId}', 'client', 'fulfilment_api', {
    scopes: ['orders:read'],
  }),
  'ship-fulfilment': http('POST', '/orders/{orderId}/fulfilments/{fulfilmentId}/shipped', 'app', 'fulfilment_api', {
    ...fulfils,
    states: { capturing: ['StartExecution'] },
    writesEvents: true,
  }),
  'deliver-fulfilment': http(
    'POST',
    '/orders/{orderId}/fulfilments/{fulfilmentId}/delivered',
    'app',
    'fulfilment_api',
    {
      ...fulfils,
      writesEvents: true,
    },
  ),
  'cancel-fulfilment': http(
    'POST',
    '/orders/{orderId}/fulfilments/{fulfilmentId}/cancel',
    'app',
    'fulfilment_api',
    fulfils,
  ),
  'request-return': http('POST', '/orders/{orderId}/returns', 'client', 'fulfilment_api', {
    scopes: ['orders:place'],
    writesEvents: true,
  }),
  'list-returns': http('GET', '/orders/{orderId}/returns', 'client', 'fulfilment_api', {
    scopes: ['orders:read'],
  }),
  'get-return': http('GET', '/orders/{orderId}/returns/{returnId}', 'client', 'fulfilment_api', {
    scopes: ['orders:read'],
  }),
  'receive-return': http('POST', '/orders/{orderId}/returns/{returnId}/receive', 'app', 'fulfilment_api', {
    scopes: ['returns:manage'],
    writesEvents: true,
  }),
  'reject-return': http('POST', '/orders/{orderId}/returns/{returnId}/reject', 'app', 'fulfilment_api', {
    scopes: ['returns:manage'],
    writesEvents: true,
  }),
  'settle-simulated-payment': http('POST', '/simulated-payments/{orderId}', 'client', 'orders_api', {
    scopes: ['orders:place'],
    tables: { charges: ['GetItem', 'UpdateItem'], awaitedPayments: ['UpdateItem'] },
    states: { placing: ['SendTaskSuccess'] },
    provider: 'simulated',
  }),
  'receive-stripe-event': http('POST', '/webhooks/stripe', 'public', null, {
    rateClass: 'exempt',
    tables: { webhookEvents: ['GetItem', 'PutItem'], awaitedPayments: ['UpdateItem'] },
    states: { placing: ['SendTaskSuccess'] },
    provider: 'stripe',
  }),
  'list-refunds': http('GET', '/orders/{orderId}/refunds', 'app', 'refunds_api', { scopes: ['orders:refund'] }),
  'get-refund': http('GET', '/orders/{orderId}/refunds/{refundId}', 'app', 'refunds_api', {
    scopes: ['orders:refund'],
  }),
  'list-events': http('GET', '/events', 'app', 'events_api', { scopes: ['events:read'], concurrent: 5, waits: true }),
  'list-order-details': http('GET', '/order-details', 'app', 'back_office_api', { scopes: ['orders:read'] }),
  'get-order-details': http('GET', '/order-details/{orderId}', 'app', 'back_office_api', { scopes: ['orders:read'] }),
  'get-sales-report': http('GET', '/reports/sales', 'app', 'reporting', reads),
  'get-products-report': http('GET', '/reports/products', 'app', 'reporting', reads),
  'get-margin-report': http('GET', '/reports/margin', 'app', 'reporting', reads),
  'get-cohorts-report': http('GET', '/reports/cohorts', 'app', 'reporting', reads),
  'get-customers-report': http('GET', '/reports/customers', 'app', 'reporting', reads),
  'get-customer-report': http('GET', '/reports/customers/{customerId}', 'app', 'reporting', {
    ...reads,
    tables: { sessions: ['Query'] },
  }),
  'get-stock-report': http('GET', '/reports/stock', 'app', 'reporting', reads),
  'get-live-report': http('GET', '/reports/live', 'app', 'reporting', reads),
  'load-customer-feed': http('POST', '/customer-feeds/{source}', 'app', 'customer_feeds', {
    scopes: ['feeds:write'],
    concurrent: 2,
  }),
  'create-report-export': http('POST', '/reports/exports', 'app', 'reports_api', { scopes: ['reports:read'] }),
  'list-report-exports': http('GET', '/reports/exports', 'app', 'reports_api', { scopes: ['reports:read'] }),
  'get-report-export': http('GET', '/reports/exports/{exportId}', 'app', 'reports_api', {
    scopes: ['reports:read'],
    reportFiles: ['GetObject'],
  }),
  'create-report-subscription': http('POST', '/report-subscriptions', 'app', 'reports_api', schedulesReports),
  'list-report-subscriptions': http('GET', '/report-subscriptions', 'app', 'reports_api', schedulesReports),
  'get-report-subscription': http(
    'GET',
    '/report-subscriptions/{subscriptionId}',
    'app',
    'reports_api',
    schedulesReports,
  ),
  'update-report-subscription': http(
    'PATCH',
    '/report-subscriptions/{subscriptionId}',
    'app',
    'reports_api',
    schedulesReports,
  ),
  'delete-report-subscription': http(
    'DELETE',
    '/report-subscriptions/{subscriptionId}',
    'app',
    'reports_api',
    schedulesReports,
  ),
  'list-report-runs': http(
    'GET',
    '/report-subscriptions/{subscriptionId}/runs',
    'app',
    'reports_api',
    schedulesReports,
  ),
  'list-findings': http('GET', '/reconciliation/findings', 'app', 'monitor', {
    scopes: ['orders:review'],
    concurrent: 5,
  }),
  'find-orders': http('GET', '/manual-review/orders', 'app', 'manual_review', {
    scopes: ['orders:review'],
    concurrent: 5,
  }),
  'explain-order': http('GET', '/manual-review/orders/{orderId}', 'app', 'manual_review', {
    scopes: ['orders:review'],
    concurrent: 5,
    states: {
      placing: ['DescribeExecution', 'GetExecutionHistory'],
      compensating: ['DescribeExecution', 'GetExecutionHistory'],
      capturing: ['DescribeExecution', 'GetExecutionHistory'],
    },
  }),
  'retry-compensation': http('POST', '/manual-review/orders/{orderId}/retry', 'app', 'manual_review', {
    scopes: ['orders:review'],
    states: { compensating: ['StartExecution'], capturing: ['StartExecution'] },
  }),
  'resolve-order': http('POST', '/manual-review/orders/{orderId}/resolve', 'app', 'manual_review', {
    scopes: ['orders:review'],
  }),
  'unarchive-order': http('POST', '/manual-review/orders/{orderId}/unarchive', 'app', 'manual_review', {
    scopes: ['orders:review'],
  }),
  'create-webhook-endpoint': http('POST', '/webhook-endpoints', 'app', null, {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['Query', 'GetItem', 'PutItem'] },
  }),
  'list-webhook-endpoints': http('GET', '/webhook-endpoints', 'app', null, {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['Query'] },
  }),
  'get-webhook-endpoint': http('GET', '/webhook-endpoints/{endpointId}', 'app', null, {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['GetItem'] },
  }),
  'update-webhook-endpoint': http('PATCH', '/webhook-endpoints/{endpointId}', 'app', null, {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['GetItem', 'UpdateItem'] },
    wakesWebhooks: true,
  }),
  'delete-webhook-endpoint': http('DELETE', '/webhook-endpoints/{endpointId}', 'app', null, {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['GetItem', 'DeleteItem'] },
  }),
  'rotate-webhook-secret': http('POST', '/webhook-endpoints/{endpointId}/secret', 'app', null, {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['GetItem', 'UpdateItem'] },
  }),
  'ping-webhook-endpoint': http('POST', '/webhook-endpoints/{endpointId}/ping', 'app', null, {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['GetItem'], webhookDeliveries: ['PutItem'], webhookQueue: ['PutItem'] },
    wakesWebhooks: true,
  }),
  'list-webhook-deliveries': http('GET', '/webhook-endpoints/{endpointId}/deliveries', 'app', null, {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['GetItem'], webhookDeliveries: ['Query'] },
  }),
  'retry-webhook-delivery': http('POST', '/webhook-endpoints/{endpointId}/deliveries/{deliveryId}/retry', 'app', null, {
    ...managesWebhooks,
    tables: {
      webhookEndpoints: ['GetItem'],
      webhookDeliveries: ['GetItem', 'PutItem'],
      webhookQueue: ['PutItem', 'DeleteItem'],
    },
    wakesWebhooks: true,
  }),
  'replay-webhook-events': http('POST', '/webhook-endpoints/{endpointId}/replays', 'app', 'events_api', {
    ...managesWebhooks,
    tables: { webhookEndpoints: ['GetItem'], webhookDeliveries: ['PutItem'], webhookQueue: ['PutItem'] },
    wakesWebhooks: true,
    concurrent: 2,
  }),
  'create-application': http('POST', '/applications', 'app', null, {
    scopes: ['applications:manage'],
    tables: { applications: ['Scan', 'GetItem', 'PutItem'] },
  }),
  'list-applications': http('GET', '/applications', 'app', null, {
    scopes: ['applications:manage'],
    tables: { applications: ['Scan'] },
  }),
  'get-application': http('GET', '/applications/{applicationId}', 'app', null, {
    scopes: ['applications:manage'],
    tables: { appKeys: ['BatchGetItem'] },
  }),
  'update-application': http('PATCH', '/applications/{applicationId}', 'app', null, {
    scopes: ['applications:manage'],
    tables: { applications: ['PutItem', 'UpdateItem', 'DeleteItem'] },
  }),
  'delete-application': http('DELETE', '/applications/{applicationId}', 'app', null, {
    scopes: ['applications:manage'],
    tables: { applications: ['PutItem', 'DeleteItem'], appKeys: ['DeleteItem'] },
  }),
  'create-key': http('POST', '/applications/{applicationId}/keys', 'app', null, {
    scopes: ['applications:manage'],
    tables: { applications: ['UpdateItem'], appKeys: ['PutItem'] },
  }),
  'delete-key': http('DELETE', '/applications/{applicationId}/keys/{keyId}', 'app', null, {
    scopes: ['applications:manage'],
    tables: { applications: ['UpdateItem'], appKeys: ['PutItem', 'DeleteItem'] },
  }),
  'get-usage': http('GET', '/applications/{applicationId}/usage', 'app', 'audit_reader', {
    scopes: ['applications:manage'],
    concurrent: 5,
  }),
  'list-accesses': http('GET', '/audit', 'app', 'audit_reader', { scopes: ['audit:read'], concurrent: 5 }),
  'list-readers': http('GET', '/audit/readers', 'app', 'audit_reader', { scopes: ['audit:read'], concurrent: 5 }),
  'get-health': http('GET', '/health', 'public', 'monitor', {
    rateClass: 'exempt',
    tables: { sessions: ['GetItem'] },
    states: {
      placing: ['DescribeStateMachine'],
      compensating: ['DescribeStateMachine'],
      capturing: ['DescribeStateMachine'],
      refunding: ['DescribeStateMachine'],
    },
  }),
  'get-openapi': http('GET', '/openapi.json', 'public', null),
  'get-docs': http('GET', '/docs', 'public', null),
  'answer-unrouted': http('ANY', '$default', 'public', null, { tables: { applications: ['Scan'] } }),
} as const satisfies Record<OperationId, unknown>;

/**
 * THE HTTP table: operation → method, path, handler, authentication, scopes, rate class, database role. An operation's
 * handler is the file named like it.
 */
export const routes = Object.fromEntries(
  Object.entries(rows).map(([operation, row]) => [operation, { operation, handler: `http/${operation}`, ...row }]),
) as unknown as { readonly [O in OperationId]: Route<(typeof rows)[O]['auth']> };

type Row<A extends Auth> = Omit<Route<A>, 'operation' | 'handler'>;
type Extras = Pick<
  Partial<Route>,
  | 'scopes'
  | 'asks'
  | 'recent'
  | 'rateClass'
  | 'concurrent'
  | 'tables'
  | 'states'
  | 'provider'
  | 'waits'
  | 'wakesWebhooks'
  | 'writesEvents'
  | 'readsReader'
  | 'reportFiles'
  | 'warehouse'
>;

function http<A extends Auth>(
  method: Route['method'],
  path: string,
  auth: A,
  databaseRole: DatabaseRole | null,
  extras: Extras = {},
): Row<A> {
  return { method, path, auth, databaseRole, scopes: [], rateClass: 'standard', ...extras };
}
