import type { ApplicationStore } from '../../lib/auth/applications/applications.dynamo.ts';
import { registerApplication } from '../../lib/auth/applications/manage.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import { type App, callerKey } from '../../lib/contract/api/caller.ts';
import { fromStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: ApplicationStore };

export async function run(
  { caller, body, idempotencyKey, fingerprint }: Request<typeof contract.createApplication, App>,
  { store }: Deps,
): Promise<Result> {
  const claim = { caller: callerKey(caller), key: idempotencyKey, fingerprint };
  const { answer, id, version, replayed } = await registerApplication(store, caller, body, claim);
  const headers = { location: `/applications/${id}`, etag: versionTag(version) };
  return fromStored({ status: 201, headers, body: answer }, replayed);
}

export const handler = httpHandler(routes['create-application'], contract.createApplication, run, () => ({
  store: applicationStore(),
}));
