import type { TableName } from '../lib/contract/deploy/route.ts';

/** Keys of a DynamoDB table, all strings; `ttlAttribute` holds seconds since the epoch. */
export type TableKeys = { partitionKey: string; sortKey?: string; ttlAttribute?: string };

/** Every DynamoDB table by what it holds, for the deployment and for the laptop alike. */
export const tables = {
  sessions: { partitionKey: 'customerId', sortKey: 'tokenHash', ttlAttribute: 'expiresAt' },
  limits: { partitionKey: 'subject', ttlAttribute: 'expiresAt' },
  applications: { partitionKey: 'applicationId' },
  appKeys: { partitionKey: 'keyId' },
  charges: { partitionKey: 'orderId' },
  awaitedPayments: { partitionKey: 'orderId', ttlAttribute: 'expiresAt' },
  webhookEvents: { partitionKey: 'eventId', ttlAttribute: 'expiresAt' },
  providerCharges: { partitionKey: 'day', sortKey: 'reference', ttlAttribute: 'expiresAt' },
  issuerKeys: { partitionKey: 'issuer' },
  identities: { partitionKey: 'identity' },
} as const satisfies Record<TableName, TableKeys>;

/** The environment variable that tells a handler a table's name. */
export const tableVariables: Readonly<Record<TableName, string>> = {
  sessions: 'SESSIONS_TABLE',
  limits: 'LIMITS_TABLE',
  applications: 'APPLICATIONS_TABLE',
  appKeys: 'APP_KEYS_TABLE',
  charges: 'CHARGES_TABLE',
  awaitedPayments: 'AWAITED_PAYMENTS_TABLE',
  webhookEvents: 'WEBHOOK_EVENTS_TABLE',
  providerCharges: 'PROVIDER_CHARGES_TABLE',
  issuerKeys: 'ISSUER_KEYS_TABLE',
  identities: 'IDENTITIES_TABLE',
};
