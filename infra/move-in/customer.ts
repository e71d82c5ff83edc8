import * as z from 'zod/mini';
import { toMovedIn } from '../../lib/accounts/customers/moved-in-passwords.ts';
import type { Address } from '../../lib/contract/api/address.ts';
import { text } from '../../lib/contract/api/common.ts';
import { email as emailSchema } from '../../lib/contract/api/customers.ts';
import { RowRejected } from './errors.ts';
import type { Mapping } from './mapping.ts';
import { listAt, textAt } from './read-rows.ts';
import { addressOf, fitted, movedId, timeOf } from './values.ts';

export type CustomerRecord = {
  /** Here, and in the previous shop. */
  id: string;
  oldId: string;
  email: string;
  name: string;
  /** As `customers.address` keeps it. */
  address: Record<string, string> | null;
  /** Undefined where the customer has to choose a password anew. */
  passwordHash: string | undefined;
  registeredAt: Date;
  notes: string[];
};

/**
 * A customer of another shop.
 * @throws RowRejected
 */
export function toCustomer(row: Record<string, unknown>, { customers, source }: Mapping): CustomerRecord {
  const at = (name: 'id' | 'email' | 'firstName' | 'lastName' | 'passwordHash' | 'registered') =>
    textAt(row, customers[name]);
  const notes: string[] = [];
  const email = emailOf(at('email'));
  const registered = at('registered');
  if (registered === '') throw new RowRejected('does not say when the customer registered');
  const registeredAt = timeOf(registered, 'the registration');
  const hash = at('passwordHash');
  const passwordHash = toMovedIn(hash);
  if (passwordHash === undefined)
    notes.push(
      `customers ${hash === '' ? 'without a password hash' : 'with a password hash of an unknown kind'}, who choose a new password`,
    );
  const address = chooseAddress(row, customers, notes);
  return {
    id: movedId('customer', registeredAt, [source, 'customer', at('id') || email]),
    oldId: at('id'),
    email,
    name: nameOf(`${at('firstName')} ${at('lastName')}`, email),
    address,
    passwordHash,
    registeredAt,
    notes,
  };
}

/**
 * An e-mail address in small letters.
 * @throws RowRejected
 */
export function emailOf(value: string): string {
  const result = z.safeParse(emailSchema, value);
  if (!result.success)
    throw new RowRejected(value === '' ? 'has no e-mail address' : 'has an e-mail address that is not valid');
  return result.data;
}

/** A customer's name, or what stands before the @ where there is none. */
export const nameOf = (name: string, email: string): string =>
  z.safeParse(nameSchema, name).data ?? fitted(nameSchema, email.split('@')[0]);

const nameSchema = text(200);

/** The first address that fits, of the row and of further rows of the customer. */
function chooseAddress(
  row: Record<string, unknown>,
  { address, otherAddresses }: Mapping['customers'],
  notes: string[],
): Record<string, string> | null {
  const rows = [row, ...(listAt(row, '(rows)') ?? []).slice(1)];
  const all = rows.flatMap((one) => [address, ...otherAddresses].map((places) => addressOf(one, places)));
  const fitting = all.flatMap((one) => (one?.postalCode === undefined ? [] : [accountAddress(one)]));
  if (fitting.length < all.filter((one) => one !== undefined).length)
    notes.push('addresses of customers that do not fit, which are left out');
  if (new Set(fitting.map((one) => JSON.stringify(one))).size > 1)
    notes.push('customers with several addresses, of which the first that fits is kept');
  return fitting[0] ?? null;
}

const accountAddress = ({ line1, line2, city, region, postalCode, country }: Address): Record<string, string> =>
  JSON.parse(JSON.stringify({ line1, line2, city, region, postalCode, country }));
