import {
  dynamoRetention,
  logRetention,
  otherRetention,
  postgresRetention,
  type Retention,
} from '../../lib/contract/deploy/retention.ts';
import { code, markdownTable } from './table.ts';

/** How long everything is kept, a line for each rule. */
export function retentionTable(): string {
  const rows = (where: string, rules: Readonly<Record<string, Retention>>, show = code) =>
    Object.entries(rules).map(([name, { kept, why, by }]) => [
      where,
      show(name),
      kept,
      why,
      /^[a-z-]+$/.test(by) ? code(by) : by,
    ]);
  return markdownTable(
    ['where', 'what', 'kept', 'why', 'ended by'],
    [
      ...rows('PostgreSQL', postgresRetention),
      ...rows('DynamoDB', dynamoRetention),
      ...rows('log groups', logRetention, (name) => name),
      ...rows('other', otherRetention, (name) => name),
    ],
  );
}
