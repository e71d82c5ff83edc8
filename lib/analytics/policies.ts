/**
 * What a report does when the reader's data are older than the report may show: `show` them with their age, `refuse` with 503, or
 * go to the `writer`. `always-writer` never reads from the reader.
 */
export type LagPolicy = {
  when: 'show' | 'refuse' | 'writer' | 'always-writer';
  /** The oldest that the data may be. */
  maxLagSeconds: number;
};

export type ReportName = 'sales' | 'products' | 'margin' | 'cohorts' | 'customers' | 'stock' | 'live' | 'books';

/** The oldest that the warehouse's part of a report may be before it is `stale`: a nightly load, and two hours to make it. */
export const historyMaxSeconds = 26 * 3600;

/** Every report with its policy. docs/analytics.md has the same table. */
export const policies: Readonly<Record<ReportName, LagPolicy>> = {
  sales: { when: 'show', maxLagSeconds: 60 },
  products: { when: 'show', maxLagSeconds: 60 },
  // Figures that go into the books.
  margin: { when: 'refuse', maxLagSeconds: 60 },
  cohorts: { when: 'show', maxLagSeconds: 60 },
  // Somebody talks to this customer.
  customers: { when: 'writer', maxLagSeconds: 10 },
  // Somebody orders goods by it.
  stock: { when: 'always-writer', maxLagSeconds: 0 },
  live: { when: 'writer', maxLagSeconds: 10 },
  // The sales that the nightly reconciliation compares, hours after their day. That the reader is behind is another alarm's.
  books: { when: 'writer', maxLagSeconds: 3600 },
};
