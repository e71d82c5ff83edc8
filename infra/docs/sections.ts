import { type TableRow, tables, tableVariable } from '../../lib/contract/deploy/tables.ts';
import { webhookEvents } from '../../lib/contract/events/webhook-events.ts';
import { policyTable, viewTables, warehouseTables } from './analytics.ts';
import { eventTables } from './events.ts';
import { laterTable } from './later.ts';
import { rateLimits } from './limits.ts';
import { retentionTable } from './retention.ts';
import { networkTable, roleTable } from './roles.ts';
import { rooms } from './rooms.ts';
import { machineTables } from './saga.ts';
import { settingTable } from './settings.ts';
import { code, markdownTable } from './table.ts';

/** Sections of pages that repeat what the code knows: page → name of the section → its text. */
export const sections: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'docs/architecture.md': { rooms: roomTable, roles: roleTable },
  'docs/analytics.md': { reports: policyTable, warehouse: warehouseTables, views: viewTables },
  'docs/data.md': { retention: retentionTable },
  'docs/deploy.md': { later: laterTable, network: networkTable },
  'docs/configuration.md': { settings: settingTable, tables: dynamoTable },
  'docs/events.md': { events: eventTables },
  'docs/limits.md': { 'rate classes': rateLimits },
  'docs/webhooks.md': { 'webhook events': () => eventTables(webhookEvents) },
  'docs/saga.md': { 'time-outs and retries': machineTables },
};

/**
 * A page whose generated sections are brought up to date: what stands between `<!-- generated: name -->` and
 * `<!-- end: name -->`.
 * @throws Error when the page lacks one of the comments
 */
export function withSections(page: string, text: string): string {
  return Object.entries(sections[page] ?? {}).reduce((before, [name, render]) => {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
    const from = before.indexOf(begin);
    const to = before.indexOf(end);
    if (from === -1 || to < from) throw new Error(`${page} lacks "${begin}" followed by "${end}"`);
    return `${before.slice(0, from + begin.length)}\n\n${render()}\n\n${before.slice(to)}`;
  }, text);
}

function roomTable(): string {
  return markdownTable(
    ['room', 'holds', 'may import'],
    Object.entries(rooms).map(([name, { holds, imports }]) => [
      code(`lib/${name}/`),
      holds,
      imports.length === 0 ? 'nothing' : imports.join(', '),
    ]),
  );
}

/** Every DynamoDB table, a line each. */
export function dynamoTable(): string {
  return markdownTable(
    ['table', 'variable', 'key', 'expires by', 'recoverable', 'holds'],
    Object.entries<TableRow>(tables).map(([name, { partitionKey, sortKey, ttlAttribute, recoverable, holds }]) => [
      code(name),
      code(tableVariable(name)),
      sortKey === undefined ? code(partitionKey) : `${code(partitionKey)}, ${code(sortKey)}`,
      ttlAttribute === undefined ? '—' : code(ttlAttribute),
      recoverable ? 'yes' : 'no',
      holds,
    ]),
  );
}
