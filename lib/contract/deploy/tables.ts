/** A DynamoDB table: its keys, both strings, what it holds, and what losing that would cost. */
export type TableRow = {
  partitionKey: string;
  sortKey?: string;
  /** Attribute that says when an item expires, in seconds since the epoch. */
  ttlAttribute?: string;
  holds: string;
  /** Backed up and protected from deletion in prod, because its items cannot be created again. */
  recoverable: boolean;
};

/**
 * Every DynamoDB table, one row each. The deployment, the local stack, the handlers' variables, the alarms and the docs
 * are derived from it. Each stage has all of them, whichever payment provider it uses: a change of settings must not
 * delete data.
 */
export const tables = {
  sessions: {
    partitionKey: 'customerId',
    sortKey: 'tokenHash',
    ttlAttribute: 'expiresAt',
    holds: 'sessions of customers',
    recoverable: true,
  },
  limits: {
    partitionKey: 'subject',
    ttlAttribute: 'expiresAt',
    holds: 'rate counters, concurrency permits and failed sign-ins of the last minutes',
    recoverable: false,
  },
  applications: {
    partitionKey: 'applicationId',
    holds: 'registered applications',
    recoverable: true,
  },
  appKeys: {
    partitionKey: 'keyId',
    holds: 'hashed keys of applications',
    recoverable: true,
  },
  charges: {
    partitionKey: 'orderId',
    holds: 'charges of the simulated payment provider; empty with Stripe',
    // The simulated provider never charges in prod.
    recoverable: false,
  },
  awaitedPayments: {
    partitionKey: 'orderId',
    ttlAttribute: 'expiresAt',
    holds: 'task tokens of sagas that wait for a customer to act on a payment',
    // Without its token an order is compensated when its reservation ends.
    recoverable: false,
  },
  webhookEvents: {
    partitionKey: 'eventId',
    ttlAttribute: 'expiresAt',
    holds: 'ids of Stripe events that were handled',
    // An event that is handled twice changes nothing.
    recoverable: false,
  },
  providerCharges: {
    partitionKey: 'day',
    sortKey: 'reference',
    ttlAttribute: 'expiresAt',
    holds: 'the snapshot of the payment provider’s transactions',
    // The next snapshot copies them again.
    recoverable: false,
  },
  webhookEndpoints: {
    partitionKey: 'applicationId',
    sortKey: 'endpointId',
    holds: 'webhook endpoints of applications, with their signing secrets',
    recoverable: true,
  },
  webhookDeliveries: {
    partitionKey: 'endpointId',
    sortKey: 'deliveryId',
    ttlAttribute: 'expiresAt',
    holds: 'webhooks of the last 30 days: what was sent, and what came of it',
    // The feed has the events.
    recoverable: false,
  },
  webhookQueue: {
    partitionKey: 'endpointId',
    sortKey: 'due',
    ttlAttribute: 'expiresAt',
    holds: 'webhooks that wait for their next attempt',
    recoverable: false,
  },
  cache: {
    partitionKey: 'key',
    ttlAttribute: 'expiresAt',
    holds: 'cached products and lists of products, and which of them are out of date',
    // The database has them. Without the pointers no entry counts either.
    recoverable: false,
  },
  issuerKeys: {
    partitionKey: 'issuer',
    holds: 'public keys of the identity provider',
    recoverable: false,
  },
  notices: {
    partitionKey: 'alarm',
    sortKey: 'target',
    holds: 'which state of each alarm people were told last',
    // Whoever hears of an alarm twice loses nothing.
    recoverable: false,
  },
  identities: {
    partitionKey: 'identity',
    holds: 'which customer a user of the identity provider is',
    recoverable: true,
  },
} as const satisfies Record<string, TableRow>;

export type TableName = keyof typeof tables;

/** The environment variable that gives a handler a table's name: `appKeys` → `APP_KEYS_TABLE`. */
export const tableVariable = (table: string): string => `${table.replace(/[A-Z]/g, '_$&').toUpperCase()}_TABLE`;

export type TableAction =
  | 'GetItem'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'Query'
  | 'Scan'
  | 'BatchGetItem'
  | 'ConditionCheckItem'
  | 'BatchWriteItem';
export type TableGrants = Readonly<Partial<Record<TableName, readonly TableAction[]>>>;
