import { type TableRow, tables, tableVariable } from '../../lib/contract/deploy/tables.ts';

const [begin, end] = ['<!-- tables: written by "npm run openapi" -->', '<!-- end of tables -->'];

/** A page with its list of the DynamoDB tables brought up to date: what stands between the two comments. */
export function withTables(page: string): string {
  const [before, rest = ''] = page.split(begin);
  const after = rest.split(end)[1];
  if (after === undefined) throw new Error(`the page has no "${begin}" with "${end}" behind it`);
  return `${before}${begin}\n\n${list()}\n\n${end}${after}`;
}

const list = (): string =>
  [
    '| table | variable | key | expires by | recoverable | holds |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries<TableRow>(tables).map(([name, { partitionKey, sortKey, ttlAttribute, recoverable, holds }]) =>
      [
        '',
        `\`${name}\``,
        `\`${tableVariable(name)}\``,
        `\`${partitionKey}\`${sortKey === undefined ? '' : `, \`${sortKey}\``}`,
        ttlAttribute === undefined ? '—' : `\`${ttlAttribute}\``,
        recoverable ? 'yes' : 'no',
        holds,
        '',
      ]
        .join(' | ')
        .trim(),
    ),
  ].join('\n');
