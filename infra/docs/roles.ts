import { readdirSync, readFileSync } from 'node:fs';
import { consumers } from '../../functions/consumers.ts';
import { jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import { type DatabaseRole, databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { code, markdownTable } from './table.ts';

/** What each role is for, in a reader's words. The grants themselves come from the migrations. */
const purposes: Readonly<Record<DatabaseRole, string>> = {
  customers_api: 'sign customers up, read and change them; write mails without reading them',
  profiles_api: 'show customers their own profile and identities, and no password hash',
  customer_export: 'read what is kept of a customer, for their export',
  customer_erasure: 'erase a customer; never read their data, except the address for the last mail',
  customer_feeds: 'add and change what feeds say of customers, whom it knows by the hash of their address',
  mailer: 'send the mails that others wrote, make the tokens in them, then delete their text',
  order_mails: 'write mails about orders to the address of a customer, and read neither mails nor orders',
  owner_mails: 'write mails to the contacts of applications, and read nothing',
  catalog_api: 'add and change products and categories; add to the stock ledger',
  catalog_reader: 'show products, and change nothing',
  orders_api: 'price, place, read and change orders',
  refunds_api: 'request and read partial refunds, and captures of authorized payments',
  fulfilment_api:
    'pack, ship and deliver orders, request the capture of what ships, and take goods back; see no prices and no customers',
  cancellations_api:
    'cancel orders and units that have not shipped: unpack them, put them back on the shelf and request their refund',
  events_api: 'read the events, and give each its place in the feed',
  read_models: 'keep the copies that follow the events',
  back_office_api: 'show the back office those copies, find orders of all customers, and change nothing',
  application_events: 'write the events of applications, and read nothing',
  publisher: 'read the events, and mark those that were published',
  saga: 'take orders forward and back, with stock and payments; never change lines, totals or the customer',
  jobs: 'delete expired idempotency records, tokens, mails and unconfirmed sign-ups; create and drop months of the audit; have old orders, movements and events archived',
  monitor:
    'read the views that count what must be zero, and the findings; keep what its checks found and how far they came',
  reconciler: 'compare orders, payments, stock and books; record findings; release stock without an owner',
  manual_review: 'read every order; retry or resolve those in manual review, unarchive old ones; add to the audit',
  audit_writer: 'add records of accesses and count usage',
  audit_reader: 'read the audit and the usage',
  reports_api: 'keep report subscriptions, and show what was sent',
  report_exporter: 'make exports from the views of reports, and note how far they are',
  report_sender: 'find reports that are due, note what was sent, and write mails and events of it; read neither',
  reporting: 'answer reports from views, and change nothing',
  analyst: 'query the same views by hand, with personal columns masked; no handler uses it',
  warehouse: 'read what the warehouse loads from the same views, in one snapshot, and change nothing',
  migrator: 'own everything: the master user',
};

type Row = { handler: string; databaseRole: DatabaseRole | null; asks?: readonly DatabaseRole[] };
const handlers = [routes, steps, jobs, streams, consumers].flatMap((table) => Object.values<Row>(table));
const nameOf = ({ handler }: Row): string => handler.slice(handler.indexOf('/') + 1);

/** The table of database roles: purpose, handlers, and the grants of the migrations. */
export function roleTable(): string {
  const granted = grants();
  return markdownTable(
    ['role', 'may', 'used by', 'grants'],
    databaseRoles.map((role) => [
      code(role),
      purposes[role],
      handlers
        .filter(({ databaseRole, asks = [] }) => databaseRole === role || asks.includes(role))
        .map((row) => code(nameOf(row)))
        .join(', '),
      [...(granted.get(role) ?? [])].toSorted().join('; ') || 'owner',
    ]),
  );
}

/** Which handlers run inside the network, and which outside. */
export function networkTable(): string {
  const list = (rows: readonly Row[]) => rows.map((row) => code(nameOf(row))).join(', ');
  return markdownTable(
    ['place', 'handlers'],
    [
      ['inside: subnets without a way out', list(handlers.filter(({ databaseRole }) => databaseRole !== null))],
      ['outside', list(handlers.filter(({ databaseRole }) => databaseRole === null))],
    ],
  );
}

/** Grants on tables, views and functions by role, as the migrations write them. */
function grants(): Map<string, Set<string>> {
  const folder = new URL('../../lib/database/migrations/', import.meta.url);
  const found = new Map<string, Set<string>>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.up.sql'))) {
    const sql = readFileSync(new URL(file, folder), 'utf8').replace(/--[^\n]*/g, '');
    for (const [, what, objects, to] of sql.matchAll(
      /^\s*grant\s+([^;']+?)\s+on\s+([^;']+?)\s+to\s+([a-z_,\s]+);/gim,
    )) {
      if (/^usage$/i.test(what!.trim()) || /^(schema|database)\b/i.test(objects!)) continue;
      for (const role of to!.split(',').map((name) => name.trim())) {
        const set = found.get(role) ?? new Set<string>();
        set.add(`${what!.replace(/\s+/g, ' ').trim()} on ${objects!.replace(/\s+/g, ' ').trim()}`);
        found.set(role, set);
      }
    }
  }
  return found;
}
