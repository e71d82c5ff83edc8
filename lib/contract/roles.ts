/** The PostgreSQL login roles, one a kind of work. Migrations create them; each is granted what its doors need. */
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
  'operations',
  'migrator',
] as const;
export type DatabaseRole = (typeof databaseRoles)[number];

/** What an app key may be allowed. */
export const scopes = ['catalog:write', 'stock:write', 'customers:write', 'orders:refund', 'orders:operate'] as const;
export type Scope = (typeof scopes)[number];
