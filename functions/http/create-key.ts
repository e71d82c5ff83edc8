import type { ApplicationStore } from '../../lib/auth/applications/applications.dynamo.ts';
import { createApplicationKey } from '../../lib/auth/applications/manage.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import { type App, callerKey } from '../../lib/contract/api/caller.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: ApplicationStore };

export async function run(
  { caller, path, body, idempotencyKey, fingerprint, secretOf }: Request<typeof contract.createKey, App>,
  { store }: Deps,
): Promise<Result> {
  const expiresAt = typeof body.expiresAt === 'string' ? Date.parse(body.expiresAt) : body.expiresAt;
  const claim = { caller: callerKey(caller), key: idempotencyKey, fingerprint, secretOf };
  const { key, replayed } = await createApplicationKey(store, caller, path.applicationId, { expiresAt, ...claim });
  return { status: 201, body: key, headers: replayed ? { 'idempotency-replayed': 'true' } : {} };
}

export const handler = httpHandler(routes['create-key'], contract.createKey, run, () => ({
  store: applicationStore(),
}));
