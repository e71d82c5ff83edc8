import { dropKey } from '../../lib/apps/manage.ts';
import * as contract from '../../lib/contract/applications.ts';
import type { App } from '../../lib/contract/caller.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { applicationStore } from '../../lib/platform/deps.ts';
import { routes } from '../routes.ts';

type Deps = { store: ReturnType<typeof applicationStore> };

export async function run({ caller, path }: Request<typeof contract.deleteKey, App>, { store }: Deps): Promise<Result> {
  await dropKey(store, caller, path);
  return { status: 204 };
}

export const handler = httpDoor(routes['delete-key'], contract.deleteKey, run, () => ({ store: applicationStore() }));
