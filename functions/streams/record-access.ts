import { recordAccesses } from '../../lib/operations/audit/record.sql.ts';
import { type AccessLine, accessLine } from '../../lib/contract/deploy/access-line.ts';
import { streamDoor } from '../../lib/platform/handlers/stream.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { streams } from '../streams.ts';

export async function run(lines: AccessLine[], { sql, meter }: { sql: () => Sql; meter: Meter }) {
  const recorded = await recordAccesses(sql(), lines);
  meter.count('AccessesRecorded', recorded);
  return { recorded };
}

export const handler = streamDoor(streams['record-access'], accessLine, run, ({ meter }) => ({
  sql: () => sqlAs('audit_writer'),
  meter,
}));
