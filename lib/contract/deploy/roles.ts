/** The PostgreSQL login roles, one for each kind of work. Migrations create them and grant what their handlers need. */
export const databaseRoles = [
  'customers_api',
  'profiles_api',
  'customer_export',
  'customer_erasure',
  'mailer',
  'order_mails',
  'owner_mails',
  'catalog_api',
  'catalog_reader',
  'orders_api',
  'refunds_api',
  'events_api',
  'publisher',
  'read_models',
  'back_office_api',
  'application_events',
  'saga',
  'jobs',
  'monitor',
  'reconciler',
  'manual_review',
  'audit_writer',
  'audit_reader',
  'migrator',
] as const;
export type DatabaseRole = (typeof databaseRoles)[number];

/** The scopes that an application can have. */
export const scopes = [
  'catalog:read',
  'catalog:write',
  'stock:read',
  'stock:write',
  'orders:read',
  'orders:place',
  'orders:capture',
  'orders:refund',
  'orders:review',
  'customers:read',
  'customers:write',
  'events:read',
  'webhooks:manage',
  'reports:read',
  'applications:manage',
  'audit:read',
] as const;
export type Scope = (typeof scopes)[number];
