import { type AccessLine, accessLine } from '../../lib/contract/deploy/access-line.ts';
import { recordAccesses } from '../../lib/operations/audit/record.sql.ts';
import { streamHandler } from '../../lib/platform/handlers/stream.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { streams } from '../streams.ts';

export async function run(lines: AccessLine[], { sql, meter }: { sql: () => Sql; meter: Meter }) {
  const recorded = await recordAccesses(sql(), lines);
  meter.count('AccessesRecorded', recorded);
  return { recorded };
}

export const handler = streamHandler(streams['record-access'], accessLine, run, ({ meter }) => ({
  sql: () => sqlAs('audit_writer'),
  meter,
}));
