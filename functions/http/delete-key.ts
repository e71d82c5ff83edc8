import { dropKey } from '../../lib/auth/applications/manage.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import { applicationStore } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = { store: ReturnType<typeof applicationStore> };

export async function run({ caller, path }: Request<typeof contract.deleteKey, App>, { store }: Deps): Promise<Result> {
  await dropKey(store, caller, path);
  return { status: 204 };
}

export const handler = httpHandler(routes['delete-key'], contract.deleteKey, run, () => ({
  store: applicationStore(),
}));
