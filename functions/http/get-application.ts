import { listKeys } from '../../lib/auth/applications/app-keys.dynamo.ts';
import { type ApplicationStore, toView } from '../../lib/auth/applications/applications.dynamo.ts';
import { requireApplication } from '../../lib/auth/applications/manage.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: ApplicationStore };

/** The ETag is a hash of the whole answer, because keys change without a new version of their application. */
export async function run({ path }: Request<typeof contract.getApplication, App>, { store }: Deps): Promise<Result> {
  const item = await requireApplication(store, path.applicationId);
  return { status: 200, body: { ...toView(item), keys: await listKeys(store, item) } };
}

export const handler = httpHandler(routes['get-application'], contract.getApplication, run, () => ({
  store: applicationStore(),
}));
