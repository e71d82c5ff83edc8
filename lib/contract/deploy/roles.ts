/** The PostgreSQL login roles, one a kind of work. Migrations create them; each is granted what its handlers need. */
export const databaseRoles = [
  'customers_api',
  'mailer',
  'catalog_api',
  'orders_api',
  'refunds_api',
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

/** What an application may be allowed. */
export const scopes = [
  'catalog:read',
  'catalog:write',
  'stock:read',
  'stock:write',
  'orders:read',
  'orders:place',
  'orders:refund',
  'orders:review',
  'customers:read',
  'customers:write',
  'reports:read',
  'applications:manage',
  'audit:read',
] as const;
export type Scope = (typeof scopes)[number];
