import { jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import { type TableRow, tables, tableVariable } from '../../lib/contract/deploy/tables.ts';

/**
 * A page whose named section repeats code, with that section brought up to date: what stands between two comments.
 * @throws Error when the page has no such comments
 */
export function withSection(page: string, name: string, section: string): string {
  const [begin, end] = [`<!-- ${name}: written by "npm run openapi" -->`, `<!-- end of ${name} -->`];
  const [before, rest = ''] = page.split(begin);
  const after = rest.split(end)[1];
  if (after === undefined) throw new Error(`the page has no "${begin}" with "${end}" behind it`);
  return `${before}${begin}\n\n${section}\n\n${end}${after}`;
}

/** Each DynamoDB table in a line. */
export const tablesSection = (): string =>
  table(
    ['table', 'variable', 'key', 'expires by', 'recoverable', 'holds'],
    Object.entries<TableRow>(tables).map(([name, { partitionKey, sortKey, ttlAttribute, recoverable, holds }]) => [
      code(name),
      code(tableVariable(name)),
      [partitionKey, ...(sortKey === undefined ? [] : [sortKey])].map(code).join(', '),
      ttlAttribute === undefined ? '—' : code(ttlAttribute),
      recoverable ? 'yes' : 'no',
      holds,
    ]),
  );

/** Which handlers run inside the network, by their database role, and which outside. */
export function networkSection(): string {
  const rows = [routes, steps, jobs, streams].flatMap((each) =>
    Object.values<{ handler: string; databaseRole: string | null }>(each),
  );
  const byRole = Object.groupBy(rows, ({ databaseRole }) => databaseRole ?? '');
  const { '': outside = [], ...inside } = byRole;
  const names = (handlers: typeof rows = []) => handlers.map(({ handler }) => code(handler)).join(', ');
  return table(
    ['', 'database role', 'handlers'],
    [
      ...Object.entries(inside).map(([role, handlers]) => ['inside', code(role), names(handlers)]),
      ['outside', 'none', names(outside)],
    ],
  );
}

const code = (text: string): string => `\`${text}\``;

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
