import { type LagPolicy, policies } from '../../lib/analytics/policies.ts';
import { views } from '../../lib/analytics/views.ts';
import { columnsOf, tableNames, tables } from '../../lib/analytics/warehouse/model.ts';
import { code, markdownTable } from './table.ts';

const beyond: Readonly<Record<LagPolicy['when'], string>> = {
  show: 'shows the data with their age; `stale` is true',
  refuse: 'refuses: 503 `reader-behind`',
  writer: 'reads from the writer',
  'always-writer': 'always reads from the writer',
};

/** What each report does when the reader lags. */
export const policyTable = (): string =>
  markdownTable(
    ['report', 'bound', 'beyond it'],
    Object.entries(policies).map(([name, { when, maxLagSeconds }]) => [
      code(name),
      when === 'always-writer' ? '—' : `${maxLagSeconds} s`,
      beyond[when],
    ]),
  );

/** The views of the schema `reporting`, each with its columns. */
export const viewTables = (): string =>
  Object.entries(views)
    .map(([name, { what, columns }]) => {
      const rows = Object.entries(columns).map(([column, [type, means]]) => [code(column), type, means]);
      return `**${code(`reporting.${name}`)}**: ${what}.\n\n${markdownTable(['column', 'type', 'what it says'], rows)}`;
    })
    .join('\n\n');

/** The tables of the warehouse, each with its columns. */
export const warehouseTables = (): string =>
  tableNames
    .map((name) => {
      const rows = columnsOf(name).map(([column, { kind, means }]) => [code(column), kind, means]);
      return `**${code(name)}**: ${tables[name].what}.\n\n${markdownTable(['column', 'type', 'what it says'], rows)}`;
    })
    .join('\n\n');
