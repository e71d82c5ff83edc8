import { remove } from '../../lib/auth/applications/manage.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import { applicationStore } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = { store: ReturnType<typeof applicationStore> };

export async function run(
  { caller, path }: Request<typeof contract.deleteApplication, App>,
  { store }: Deps,
): Promise<Result> {
  await remove(store, caller, path.applicationId);
  return { status: 204 };
}

export const handler = httpHandler(routes['delete-application'], contract.deleteApplication, run, () => ({
  store: applicationStore(),
}));
