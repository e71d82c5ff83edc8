import { type Api, ApiProblem, unwrap } from '../client.ts';
import type { components } from '../generated/api.d.ts';

type Schemas = components['schemas'];
export type Export = Schemas['ReportExport'];
export type NewExport = Schemas['CreateReportExportRequest'];
export type Subscription = Schemas['ReportSubscription'];
export type NewSubscription = Schemas['CreateReportSubscriptionRequest'];
export type Run = Schemas['ReportRun'];

/** What the page has made: files of large reports, and reports that are sent again and again. All throw ApiProblem. */
export const openRequests = (api: Api) => ({
  /** @param key the same for a request that is sent again */
  startExport: (body: NewExport, key: string) =>
    unwrap(api.POST('/reports/exports', { params: { header: { 'Idempotency-Key': key } }, body })),
  exports: async () => (await unwrap(api.GET('/reports/exports', { params: { query: { limit: 50 } } }))).data,
  export: (exportId: string) => unwrap(api.GET('/reports/exports/{exportId}', { params: { path: { exportId } } })),
  subscribe: (body: NewSubscription, key: string) =>
    unwrap(api.POST('/report-subscriptions', { params: { header: { 'Idempotency-Key': key } }, body })),
  subscriptions: async () => (await unwrap(api.GET('/report-subscriptions'))).data,
  /** With what became of its newest due times. */
  async subscription(subscriptionId: string): Promise<{ subscription: Subscription; runs: Run[] }> {
    const params = { path: { subscriptionId } };
    const [subscription, { data: runs }] = await Promise.all([
      unwrap(api.GET('/report-subscriptions/{subscriptionId}', { params })),
      unwrap(api.GET('/report-subscriptions/{subscriptionId}/runs', { params: { ...params, query: { limit: 50 } } })),
    ]);
    return { subscription, runs };
  },
  /** Fails when somebody else has changed it since it was shown. */
  pause: ({ id, version, status }: Subscription) =>
    unwrap(
      api.PATCH('/report-subscriptions/{subscriptionId}', {
        params: { path: { subscriptionId: id }, header: { 'If-Match': `"${version}"` } },
        body: { status: status === 'active' ? 'paused' : 'active' },
      }),
    ),
  async unsubscribe(subscriptionId: string): Promise<void> {
    const { error, response } = await api.DELETE('/report-subscriptions/{subscriptionId}', {
      params: { path: { subscriptionId } },
    });
    if (!response.ok) throw new ApiProblem(error, response);
  },
});
