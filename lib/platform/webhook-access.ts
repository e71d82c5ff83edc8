import { readApplication } from '../auth/applications/applications.dynamo.ts';
import type { MayReceive } from '../events/webhooks/endpoints.dynamo.ts';
import { applicationStore } from './stores.ts';

/** Whether an application is active and may read events, and the customers in them. */
export const mayReceiveEvents: MayReceive = async (applicationId) => {
  const application = await readApplication(applicationStore(), applicationId);
  if (application?.status !== 'active' || !application.scopes.includes('events:read')) return undefined;
  return { personalData: application.scopes.includes('customers:read') };
};
