import type { ApplicationStore } from '../../lib/auth/applications/applications.dynamo.ts';
import { deleteApplicationKey } from '../../lib/auth/applications/manage.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: ApplicationStore };

export async function run({ caller, path }: Request<typeof contract.deleteKey, App>, { store }: Deps): Promise<Result> {
  await deleteApplicationKey(store, caller, path);
  return { status: 204 };
}

export const handler = httpHandler(routes['delete-key'], contract.deleteKey, run, () => ({
  store: applicationStore(),
}));
