import { type Api, ApiProblem, connect, unwrap } from '../client.ts';
import type { components, operations } from '../generated/api.d.ts';
import { openRequests } from './requests.ts';

type Schemas = components['schemas'];
export type GroupedQuery = NonNullable<operations['get-sales-report']['parameters']['query']>;
export type ProductsQuery = NonNullable<operations['get-products-report']['parameters']['query']>;
export type SalesReport = Schemas['GetSalesReportResponse'];
export type MarginReport = Schemas['GetMarginReportResponse'];
export type CustomersReport = Schemas['GetCustomersReportResponse'];
export type CohortsReport = Schemas['GetCohortsReportResponse'];
export type SalesRow = Schemas['SalesRow'];
export type MarginRow = Schemas['MarginRow'];
export type ProductRow = Schemas['ProductReportRow'];
export type StockRow = Schemas['StockReportRow'];
export type CustomerRow = Schemas['CustomerReportRow'];
export type CustomersRow = Schemas['CustomersReportRow'];
export type CustomersQuery = NonNullable<operations['get-customers-report']['parameters']['query']>;
export type CohortRow = Schemas['CohortRow'];
export type CohortsQuery = NonNullable<operations['get-cohorts-report']['parameters']['query']>;
export type CustomerSessions = Schemas['CustomerSessions'];
export type FeedAge = Schemas['FeedAge'];
export type FeedEntry = Schemas['FeedEntry'];
export type ReportPart = Schemas['ReportPart'];

/** A report that comes as CSV too, with what it is asked. */
export type CsvRequest =
  | { report: 'sales' | 'margin'; query: GroupedQuery }
  | { report: 'products'; query: ProductsQuery }
  | { report: 'customers'; query: CustomersQuery }
  | { report: 'cohorts'; query: CohortsQuery }
  | { report: 'stock'; query: { days: number; limit: number } };

export type Reports = ReturnType<typeof openReports>;

/** What the page asks the API for, with the key of an application. All throw ApiProblem. */
export function openReports(baseUrl: string, key: string) {
  const api = connect(baseUrl, { Authorization: `Bearer ${key}` });
  /** How far the shop's clock is ahead of this browser's. */
  let aheadMs = 0;

  async function ask<T extends object>(call: () => Promise<Result<T | string>>): Promise<T> {
    return (await patiently(() => unwrap(call()))) as T;
  }

  const live = async (zone: string) => {
    const answer = await ask(() => api.GET('/reports/live', { params: { query: { zone } } }));
    aheadMs = Date.parse(answer.asOf) + answer.lagSeconds * 1000 - Date.now();
    return answer;
  };

  const products = (query: ProductsQuery) => ask(() => api.GET('/reports/products', { params: { query } }));

  return {
    ...openRequests(api),
    live,
    products,
    /** Whether the key is one. What it may not do, each report says. */
    async check(): Promise<void> {
      try {
        await live('UTC');
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.code === 'unauthenticated') throw error;
      }
    },
    /** The day that it is in a time zone by the shop's clock, as YYYY-MM-DD. */
    today: (zone: string): string => new Date(Date.now() + aheadMs).toLocaleDateString('sv', { timeZone: zone }),
    sales: (query: GroupedQuery) => ask(() => api.GET('/reports/sales', { params: { query } })),
    margin: (query: GroupedQuery) => ask(() => api.GET('/reports/margin', { params: { query } })),
    stock: (query: { days: number; limit: number }) => ask(() => api.GET('/reports/stock', { params: { query } })),
    cohorts: (query: CohortsQuery) => ask(() => api.GET('/reports/cohorts', { params: { query } })),
    customers: (query: CustomersQuery) => ask(() => api.GET('/reports/customers', { params: { query } })),
    customer: (customerId: string) =>
      ask(() => api.GET('/reports/customers/{customerId}', { params: { path: { customerId } } })),
    /** What the keys of a report are called, as far as this key may know. */
    async names({ groupBy, ...query }: GroupedQuery): Promise<Map<string, string>> {
      try {
        if (groupBy === 'product') {
          const { data } = await products({ ...query, limit: 1000 });
          return new Map(data.map(({ productId, name, sku }) => [productId, `${name} (${sku})`]));
        }
        if (groupBy === 'category') {
          const { data } = await ask(() => api.GET('/categories'));
          return new Map(data.map(({ id, name }) => [id, name]));
        }
        if (groupBy === 'application') {
          const { data } = await ask(() => api.GET('/applications', { params: { query: { limit: 100 } } }));
          return new Map(data.map(({ id, name }) => [id, name]));
        }
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
      }
      return new Map();
    },
    csv: (request: CsvRequest) => patiently(() => readCsv(api, request)),
  };
}

type Result<T> = { data?: T; error?: Schemas['Problem']; response: Response };

/** A report as CSV, and as of when its data are. */
async function readCsv(api: Api, { report, query }: CsvRequest): Promise<{ text: string; asOf: string }> {
  const { data, error, response } = await api.GET(`/reports/${report}`, {
    params: { query: query as GroupedQuery },
    headers: { Accept: 'text/csv' },
    parseAs: 'text',
  });
  if (data === undefined) throw new ApiProblem(error, response);
  return { text: data as string, asOf: response.headers.get('report-as-of') ?? '' };
}

const mostTries = 6;

/** Asks again while the reader of reports starts, as it does for the first report on a laptop. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== 'unavailable' || tries === mostTries) throw error;
      const seconds = Math.min(error.retryAfterSeconds ?? 2, 5);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}
