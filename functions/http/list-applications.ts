import { type ApplicationStore, listApplications, toView } from '../../lib/auth/applications/applications.dynamo.ts';
import * as contract from '../../lib/contract/api/applications.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { applicationStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { store: ApplicationStore };

/**
 * Reads all applications, because there are few. A page begins after the cursor's application, which may be removed.
 */
export async function run(
  { query: { limit, cursor } }: Request<typeof contract.listApplications, App>,
  { store }: Deps,
): Promise<Result> {
  const after = cursor === undefined ? undefined : decodeCursor(list, cursor, /^\d{1,15} app_[0-9a-f]{32}$/);
  const all = (await listApplications(store)).map((item) => ({ ...item, id: item.applicationId }));
  const from = after === undefined ? 0 : all.findIndex((item) => comesAfter(item, after));
  const page = toPage(list, from < 0 ? [] : all.slice(from, from + limit + 1), limit, keyOf);
  return { status: 200, body: { ...page, data: page.data.map(toView) } };
}

const list = 'list-applications';

const keyOf = ({ createdAt, id }: { createdAt: number; id: string }) => `${createdAt} ${id}`;

function comesAfter({ createdAt, id }: { createdAt: number; id: string }, key: string): boolean {
  const [time, last] = key.split(' ');
  return createdAt < Number(time) || (createdAt === Number(time) && id < last!);
}

export const handler = httpHandler(routes['list-applications'], contract.listApplications, run, () => ({
  store: applicationStore(),
}));
