import { type ApplicationStore, toView } from '../../lib/auth/applications/applications.dynamo.ts';
import { updateApplication } from '../../lib/auth/applications/manage.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: ApplicationStore };

export async function run(
  { caller, path, body, condition }: Request<typeof contract.updateApplication, App>,
  { store }: Deps,
): Promise<Result> {
  const item = await updateApplication(store, caller, path.applicationId, body, condition);
  return { status: 200, body: toView(item), etag: versionTag(item.version) };
}

export const handler = httpHandler(routes['update-application'], contract.updateApplication, run, () => ({
  store: applicationStore(),
}));
