import type { TransactionSql } from 'postgres';
import { writeCustomers } from './load-customers.ts';
import { type Counts, type Entry, type Loading, loadBatches, sourceOf } from './loading.ts';
import { emailOfOrder, type OrderRecord } from './order.ts';
import { type Archived, type SoldProduct, toDocument } from './order-document.ts';
import { ordersToAPage, writeToArchive } from './order-pages.ts';
import { readRecords } from './records.ts';
import { movedId } from './values.ts';

type Existing = { id: string; sha256: string | null; erased: boolean };

/**
 * Loads past orders straight into the archive, where they are read, listed and reported and nothing else happens to them: no
 * event, no mail, no saga, no movement of stock, no payment. Guests become customers without a password.
 */
export async function loadOrders(loading: Loading): Promise<Counts> {
  const emails = await readEmails(loading);
  const products = await readProducts(loading);
  return loadBatches(loading, 'orders', (entries) =>
    loading.sql.begin(async (tx) => {
      // Nothing moves to the archive or out of it meanwhile.
      await tx`select pg_advisory_xact_lock(hashtextextended('counterfoil archive', 0))`;
      const existing = new Map((await readExisting(tx, entries)).map((row) => [row.id, row]));
      const taken = await readTaken(tx, entries);
      const open = entries.filter(({ record }) => existing.get(record.id)?.erased !== true);
      const fitting = open.filter((entry) => {
        const free = !taken.has(entry.record.number);
        if (!free)
          loading.reject('orders', entry, `has the number ${entry.record.number}, which another order has here`);
        return free;
      });
      const customers = await findCustomers(tx, loading, fitting, emails);
      const added: Archived[] = [];
      const changed: Archived[] = [];
      let [rejected, unchanged] = [open.length - fitting.length, entries.length - open.length];
      for (const entry of fitting) {
        const customerId = customers.get(emailOfOrder(entry.record, emails) ?? '');
        if (customerId === undefined) {
          loading.reject('orders', entry, `is of customer ${entry.record.customerOldId}, who is not here`);
          rejected++;
          continue;
        }
        const archived = toDocument(entry.record, { customerId, products, source: loading.mapping.source });
        const before = existing.get(entry.record.id);
        if (before === undefined) added.push(archived);
        else if (before.sha256 !== archived.document.movedIn.sha256) changed.push(archived);
        else unchanged++;
      }
      await writeToArchive(tx, { added, changed }, loading.clock.now());
      return { added: added.length, changed: changed.length, unchanged, rejected };
    }),
  );
}

/** The e-mail addresses of the customers in the file, by their ids in the previous shop. */
async function readEmails(loading: Loading): Promise<Map<string, string>> {
  const source = sourceOf(loading, 'customers');
  const emails = new Map<string, string>();
  if (source === undefined) return emails;
  for await (const { record } of readRecords(source, loading.mapping))
    if (record !== undefined && record.oldId !== '') emails.set(record.oldId, record.email);
  return emails;
}

/** Products by SKU, and by `id:` and their id in the previous shop. */
async function readProducts({ sql, mapping }: Loading): Promise<Map<string, SoldProduct>> {
  const products = new Map<string, SoldProduct>();
  const query = sql<SoldProduct[]>`
    select id, sku, category_id, brand,
      case metadata #>> '{movedIn,source}' when ${mapping.source} then metadata #>> '{movedIn,id}' end as old_id
    from catalog.products`;
  for await (const rows of query.cursor(ordersToAPage * 10))
    for (const row of rows) {
      products.set(row.sku, row);
      if (row.oldId !== null) products.set(`id:${row.oldId}`, row);
    }
  return products;
}

const idsOf = (entries: readonly Entry<'orders'>[]) => JSON.stringify(entries.map(({ record }) => record.id));

/** Each page is unpacked once, whatever number of its orders is asked for. */
const readExisting = (tx: TransactionSql, entries: readonly Entry<'orders'>[]) => tx<Existing[]>`
  with keys as materialized (
    select k.id, k.page_id, c.erased_at is not null as erased
    from archive.order_keys k
    join customers.customers c on c.id = k.customer_id
    where k.id in (select jsonb_array_elements_text(${idsOf(entries)}::text::jsonb))
  ), documents as materialized (
    select d.key as id, d.value #>> '{movedIn,sha256}' as sha256
    from archive.pages p, jsonb_each(p.documents) d
    where p.id in (select page_id from keys)
  )
  select k.id, d.sha256, k.erased from keys k join documents d on d.id = k.id`;

/** Which of the numbers other orders have. */
async function readTaken(tx: TransactionSql, entries: readonly Entry<'orders'>[]): Promise<Set<string>> {
  const numbers = JSON.stringify(entries.map(({ record }) => record.number));
  const rows = await tx<{ number: string }[]>`
    select number from (
      select id, number from orders.orders where number in (select jsonb_array_elements_text(${numbers}::text::jsonb))
      union all
      select id, number from archive.order_keys where number in (select jsonb_array_elements_text(${numbers}::text::jsonb))
    ) o where o.id not in (select jsonb_array_elements_text(${idsOf(entries)}::text::jsonb))`;
  return new Set(rows.map(({ number }) => number));
}

/** Ids by e-mail address. Who has none here becomes a customer without a password. */
async function findCustomers(
  tx: TransactionSql,
  { mapping, clock }: Loading,
  entries: readonly Entry<'orders'>[],
  emails: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const guests = new Map<string, OrderRecord>();
  for (const { record } of entries) {
    const email = emailOfOrder(record, emails);
    if (email !== undefined && !guests.has(email)) guests.set(email, record);
  }
  const read = () => tx<{ id: string; email: string }[]>`
    select id, email from customers.customers
    where email in (select jsonb_array_elements_text(${JSON.stringify([...guests.keys()])}::text::jsonb))`;
  const found = new Map((await read()).map(({ id, email }) => [email, id]));
  const missing = [...guests].filter(([email]) => !found.has(email));
  if (missing.length === 0) return found;
  const records = missing.map(([email, { name, placedAt }]) => ({
    id: movedId('customer', placedAt, [mapping.source, 'guest', email]),
    email,
    name,
    address: null,
    passwordHash: undefined,
    registeredAt: placedAt,
  }));
  await writeCustomers(tx, records, clock.now());
  return new Map((await read()).map(({ id, email }) => [email, id]));
}
