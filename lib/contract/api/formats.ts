/** The forms that a report comes in, each with its media type. What a client likes equally comes as the first of them. */
export const reportTypes = {
  json: 'application/json',
  csv: 'text/csv',
  parquet: 'application/vnd.apache.parquet',
} as const;
export type ReportFormat = keyof typeof reportTypes;
