import type { ApplicationStore } from '../../lib/auth/applications/applications.dynamo.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import type { ApplicationKind } from '../../lib/contract/api/applications.ts';
import type { Application } from '../../lib/contract/api/caller.ts';
import { type Scope, scopes } from '../../lib/contract/deploy/roles.ts';

/** An application with all scopes, for tests without stores. */
export const anyApplication: Application = {
  id: `app_${'0'.repeat(31)}1`,
  name: 'test',
  kind: 'web',
  scopes,
  rateClass: 'standard',
  origins: [],
  sessionsNotBefore: 0,
};

/** The fields that `registerByHand` needs, for a kind and these scopes. */
export const fieldsOf = (kind: ApplicationKind, wanted: readonly Scope[] = scopes) => ({
  name: `test ${kind}`,
  kind,
  scopes: [...wanted],
  rateClass: 'standard' as const,
  origins: [] as string[],
  identityClientIds: [] as string[],
  contact: 'test@example.com',
});

/** A server with these scopes, and its key. */
export async function newServer(store: ApplicationStore, ...wanted: Scope[]): Promise<{ id: string; key: string }> {
  const { id, key } = await registerByHand(store, fieldsOf('server', wanted));
  return { id, key: key! };
}
