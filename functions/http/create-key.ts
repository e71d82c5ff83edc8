import type { ApplicationStore } from '../../lib/auth/applications/applications.dynamo.ts';
import { createApplicationKey } from '../../lib/auth/applications/manage.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: ApplicationStore };

export async function run(
  { caller, path, body }: Request<typeof contract.createKey, App>,
  { store }: Deps,
): Promise<Result> {
  const expiresAt = typeof body.expiresAt === 'string' ? Date.parse(body.expiresAt) : body.expiresAt;
  return { status: 201, body: await createApplicationKey(store, caller, path.applicationId, expiresAt) };
}

export const handler = httpHandler(routes['create-key'], contract.createKey, run, () => ({
  store: applicationStore(),
}));
