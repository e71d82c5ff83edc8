import { readApplication } from '../auth/applications/applications.dynamo.ts';
import { createApplicationCache, type FindApplication } from '../auth/applications/cache.ts';
import type { MayReceive } from '../events/webhooks/endpoints.dynamo.ts';
import { clock } from './clock.ts';
import { applicationStore } from './stores.ts';

let find: FindApplication | undefined;

/** Whether an application is active and may read events, and the customers in them, as of a second ago at most. */
export const mayReceiveEvents: MayReceive = async (applicationId) => {
  find ??= createApplicationCache((id) => readApplication(applicationStore(), id), clock);
  const application = await find(applicationId, { allowStale: false });
  if (application?.scopes.includes('events:read') !== true) return undefined;
  return { personalData: application.scopes.includes('customers:read') };
};
