import type { ReportExport } from '../../contract/api/report-exports.ts';

/** The name of an export's file. */
export const fileOf = ({ id, format }: Pick<ReportExport, 'id' | 'format'>): string => `exports/${id}.${format}`;
