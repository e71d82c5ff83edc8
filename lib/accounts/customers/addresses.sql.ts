import type { Sql, TransactionSql } from 'postgres';
import type { VersionCondition } from '../../contract/api/common.ts';
import {
  type CustomerAddress,
  type CustomerAddressFields,
  maxAddresses,
} from '../../contract/api/customer-addresses.ts';
import { Problem } from '../../contract/api/problems.ts';
import { atVersion } from '../../database/version-condition.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';

type Row = Omit<CustomerAddress, 'createdAt' | 'updatedAt'> & { createdAt: Date; updatedAt: Date };

/** The addresses that a customer keeps, oldest first. */
export async function listAddresses(sql: Sql, customerId: string): Promise<CustomerAddress[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from customers.addresses where customer_id = ${customerId} order by created_at, id`;
  return rows.map(toAddress);
}

/**
 * Keeps an address. The first default of its kind is a default unless it says otherwise, and there is one of each kind at most.
 * @throws Problem not-found, too-many-addresses
 */
export async function addAddress(
  tx: TransactionSql,
  customerId: string,
  { address, defaultShipping, defaultBilling }: CustomerAddressFields,
  clock: Clock,
): Promise<CustomerAddress> {
  const known = await lockAddresses(tx, customerId);
  if (known.length >= maxAddresses)
    throw new Problem('too-many-addresses', `A customer keeps at most ${maxAddresses} addresses; delete one first.`);
  const shipping = defaultShipping ?? !known.some((one) => one.defaultShipping);
  const billing = defaultBilling ?? !known.some((one) => one.defaultBilling);
  const now = new Date(clock.now());
  const id = newId('address', clock);
  await takeDefaults(tx, customerId, { id, shipping, billing, now });
  const [row] = await tx<[Row]>`
    insert into customers.addresses
      (id, customer_id, address, default_shipping, default_billing, created_at, updated_at)
    values (${id}, ${customerId}, ${JSON.stringify(address)}::text::jsonb, ${shipping}, ${billing}, ${now}, ${now})
    returning ${columns(tx)}`;
  return toAddress(row);
}

/**
 * Replaces an address, if its version meets the condition.
 * @throws Problem not-found, version-stale
 */
export async function replaceAddress(
  tx: TransactionSql,
  { customerId, id }: { customerId: string; id: string },
  { address, defaultShipping, defaultBilling }: CustomerAddressFields,
  condition: VersionCondition,
  clock: Clock,
): Promise<CustomerAddress> {
  const known = (await lockAddresses(tx, customerId)).find((one) => one.id === id);
  if (known === undefined) throw noAddress();
  const shipping = defaultShipping ?? known.defaultShipping;
  const billing = defaultBilling ?? known.defaultBilling;
  const now = new Date(clock.now());
  await takeDefaults(tx, customerId, { id, shipping, billing, now });
  const [row] = await tx<Row[]>`
    update customers.addresses set
      address = ${JSON.stringify(address)}::text::jsonb, default_shipping = ${shipping}, default_billing = ${billing},
      version = version + 1, updated_at = ${now}
    where id = ${id} and customer_id = ${customerId} ${atVersion(tx, condition)}
    returning ${columns(tx)}`;
  if (row !== undefined) return toAddress(row);
  throw new Problem('version-stale', `The address is now at version ${known.version}. Read it again.`);
}

/** @throws Problem not-found */
export async function deleteAddress(sql: Sql, { customerId, id }: { customerId: string; id: string }): Promise<void> {
  const [row] = await sql`
    delete from customers.addresses where id = ${id} and customer_id = ${customerId} returning id`;
  if (row === undefined) throw noAddress();
}

type Known = { id: string; version: number; defaultShipping: boolean; defaultBilling: boolean };

/**
 * Whoever changes the addresses of a customer holds the customer's row, so that they are counted, and their defaults chosen, one
 * after the other, and none is added to somebody who is erased meanwhile.
 */
async function lockAddresses(tx: TransactionSql, customerId: string): Promise<Known[]> {
  const [customer] = await tx`
    select id from customers.customers where id = ${customerId} and erased_at is null for no key update`;
  if (customer === undefined) throw new Problem('not-found', 'This customer does not exist.');
  return tx<Known[]>`
    select id, version, default_shipping, default_billing from customers.addresses where customer_id = ${customerId}`;
}

/** Other addresses are no defaults of these kinds any more. */
const takeDefaults = (
  tx: TransactionSql,
  customerId: string,
  { id, shipping, billing, now }: { id: string; shipping: boolean; billing: boolean; now: Date },
) => tx`
  update customers.addresses set
    default_shipping = default_shipping and not ${shipping}, default_billing = default_billing and not ${billing},
    version = version + 1, updated_at = ${now}
  where customer_id = ${customerId} and id <> ${id}
    and ((default_shipping and ${shipping}) or (default_billing and ${billing}))`;

const columns = (sql: Sql | TransactionSql) =>
  sql`id, address, default_shipping, default_billing, created_at, updated_at, version`;

const toAddress = ({ createdAt, updatedAt, ...row }: Row): CustomerAddress => ({
  ...row,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

const noAddress = (): Problem => new Problem('not-found', 'The customer keeps no such address.');
