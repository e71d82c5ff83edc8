import type { Fragment, TransactionSql } from 'postgres';
import { unmatchableHash } from '../../lib/accounts/customers/passwords.ts';
import type { CustomerRecord } from './customer.ts';
import { type Counts, type Loading, loadBatches } from './loading.ts';

/**
 * Loads customers with the password hashes that they have. Their e-mail addresses count as confirmed: the previous shop has
 * written to them. Who has an account here already keeps it as it is, and so does who has signed in since.
 */
export const loadCustomers = (loading: Loading): Promise<Counts> =>
  loadBatches(loading, 'customers', (entries) =>
    loading.sql.begin(async (tx) => {
      const known = await tx<{ id: string; email: string | null }[]>`
        select id, email from customers.customers
        where id in (select jsonb_array_elements_text(${JSON.stringify(entries.map(({ record }) => record.id))}::text::jsonb))`;
      const emails = new Map(known.map(({ id, email }) => [id, email]));
      const fitting = entries.filter((entry) => {
        const email = emails.get(entry.record.id);
        if (email === undefined || email === entry.record.email) return true;
        const reason = email === null ? 'is a customer whose data were erased here' : 'has another e-mail address here';
        loading.reject('customers', entry, reason);
        return false;
      });
      const written = await writeCustomers(
        tx,
        fitting.map(({ record }) => record),
        loading.clock.now(),
      );
      const added = new Set(written.filter((row) => row.isNew).map(({ id }) => id));
      const all = fitting.map(({ record }) => record);
      // Who is new has none here that could be in the way.
      const gone = await deleteAddresses(
        tx,
        all.filter(({ id }) => !added.has(id)),
      );
      const moved = [...gone, ...(await addAddresses(tx, all))];
      const changed = new Set([...written.map(({ id }) => id), ...moved].filter((id) => !added.has(id)));
      return {
        added: added.size,
        changed: changed.size,
        unchanged: fitting.length - added.size - changed.size,
        rejected: entries.length - fitting.length,
      };
    }),
  );

type Written = { id: string; isNew: boolean };
type Writable = Pick<CustomerRecord, 'id' | 'email' | 'name' | 'address' | 'passwordHash' | 'registeredAt'>;

/**
 * Adds customers, and follows what changed of those who have not signed in here yet: they have their old hash, or never had one and have
 * not chosen a password. Returns those it wrote.
 */
export async function writeCustomers(
  tx: TransactionSql,
  records: readonly Writable[],
  now: number,
): Promise<Written[]> {
  const [known, unknown] = [true, false].map((has) =>
    records.filter(({ passwordHash }) => (passwordHash !== undefined) === has),
  );
  return [
    ...(await write(
      tx,
      known!,
      tx`
        set name = excluded.name, address = excluded.address, password_hash = excluded.password_hash,
          version = c.version + 1, updated_at = ${new Date(now)}
        where c.id = excluded.id and c.password_hash not like '$scrypt$%'
          and (c.name, c.address, c.password_hash) is distinct from (excluded.name, excluded.address, excluded.password_hash)`,
    )),
    ...(await write(
      tx,
      unknown!,
      tx`
        set name = excluded.name, address = excluded.address, version = c.version + 1, updated_at = ${new Date(now)}
        where c.id = excluded.id and c.access_version = 1
          and (c.name, c.address) is distinct from (excluded.name, excluded.address)`,
    )),
  ];
}

/** Those of customers who have not signed in here yet: their addresses follow the previous shop. */
const followed = (tx: TransactionSql, records: readonly CustomerRecord[], rows: readonly object[]) => tx`
  select r.id, r.at, r.ids, r.addresses from jsonb_to_recordset(${JSON.stringify(
    records.map(({ id, passwordHash, registeredAt }, at) => ({
      ...{ id, has_hash: passwordHash !== undefined, at: registeredAt },
      ...rows[at],
    })),
  )}::text::jsonb) as r (id text, has_hash boolean, at timestamptz, ids jsonb, addresses jsonb)
  join customers.customers c on c.id = r.id
  where c.erased_at is null
    and case when r.has_hash then c.password_hash not like '$scrypt$%' else c.access_version = 1 end`;

/** Deletes those that the previous shop has not, before others are added: a customer has one default of each kind. @returns whose */
async function deleteAddresses(tx: TransactionSql, records: readonly CustomerRecord[]): Promise<string[]> {
  if (records.length === 0) return [];
  const ids = records.map(({ addresses }) => ({ ids: addresses.map(({ id }) => id) }));
  const gone = await tx<{ id: string }[]>`
    with followed as materialized (${followed(tx, records, ids)})
    delete from customers.addresses a using followed f
    where a.customer_id = f.id and not f.ids ? a.id::text
    returning a.customer_id as id`;
  return gone.map(({ id }) => id);
}

/** @returns whose were not there */
async function addAddresses(tx: TransactionSql, all: readonly CustomerRecord[]): Promise<string[]> {
  const records = all.filter(({ addresses }) => addresses.length > 0);
  if (records.length === 0) return [];
  const rows = records.map((record) => ({
    addresses: record.addresses.map(({ defaultShipping, defaultBilling, ...one }) => ({
      ...one,
      default_shipping: defaultShipping,
      default_billing: defaultBilling,
    })),
  }));
  const come = await tx<{ id: string }[]>`
    with followed as materialized (${followed(tx, records, rows)})
    insert into customers.addresses (id, customer_id, address, default_shipping, default_billing, created_at, updated_at)
    select a.id, f.id, a.address, a.default_shipping, a.default_billing, f.at, f.at
    from followed f, jsonb_to_recordset(f.addresses)
      as a (id text, address jsonb, default_shipping boolean, default_billing boolean)
    on conflict (id) do nothing
    returning customer_id as id`;
  return come.map(({ id }) => id);
}

async function write(tx: TransactionSql, records: readonly Writable[], update: Fragment): Promise<Written[]> {
  if (records.length === 0) return [];
  const rows = records.map(({ passwordHash, registeredAt, ...record }) => ({
    ...record,
    password_hash: passwordHash ?? unmatchableHash(),
    created_at: registeredAt,
  }));
  return tx<Written[]>`
    insert into customers.customers as c (id, email, confirmed_at, name, address, password_hash, created_at, updated_at)
    select r.id, r.email, r.created_at, r.name, nullif(r.address, 'null'), r.password_hash, r.created_at, r.created_at
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as r (id text, email text, name text, address jsonb, password_hash text, created_at timestamptz)
    on conflict (email) do update ${update}
    returning c.id, c.version = 1 as is_new`;
}
