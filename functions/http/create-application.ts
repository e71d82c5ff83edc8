import { register } from '../../lib/apps/manage.ts';
import * as contract from '../../lib/contract/applications.ts';
import { type App, callerKey } from '../../lib/contract/caller.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { fromStored } from '../../lib/entry/http-once.ts';
import { versionTag } from '../../lib/entry/http-result.ts';
import { applicationStore } from '../../lib/platform/deps.ts';
import { routes } from '../routes.ts';

type Deps = { store: ReturnType<typeof applicationStore> };

export async function run(
  { caller, body, idempotencyKey, fingerprint }: Request<typeof contract.createApplication, App>,
  { store }: Deps,
): Promise<Result> {
  const claim = { caller: callerKey(caller), key: idempotencyKey, fingerprint };
  const { answer, id, version, replayed } = await register(store, caller, body, claim);
  const headers = { location: `/applications/${id}`, etag: versionTag(version) };
  return fromStored({ status: 201, headers, body: answer }, replayed);
}

export const handler = httpDoor(routes['create-application'], contract.createApplication, run, () => ({
  store: applicationStore(),
}));
