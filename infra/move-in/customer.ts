import * as z from 'zod/mini';
import { toMovedIn } from '../../lib/accounts/customers/moved-in-passwords.ts';
import { text } from '../../lib/contract/api/common.ts';
import { email as emailSchema } from '../../lib/contract/api/customers.ts';
import { type KeptAddress, readAddresses } from './customer-addresses.ts';
import { RowRejected } from './errors.ts';
import type { Mapping } from './mapping.ts';
import { textAt } from './read-rows.ts';
import { fitted, movedId, timeOf } from './values.ts';

export type CustomerRecord = {
  /** Here, and in the previous shop. */
  id: string;
  oldId: string;
  email: string;
  name: string;
  /** As `customers.address` keeps it. */
  address: Record<string, string> | null;
  addresses: (KeptAddress & { id: string })[];
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
  const { kept, notes: ofAddresses } = readAddresses(row, customers);
  notes.push(...ofAddresses);
  const id = movedId('customer', registeredAt, [source, 'customer', at('id') || email]);
  return {
    id,
    oldId: at('id'),
    email,
    name: nameOf(`${at('firstName')} ${at('lastName')}`, email),
    address: profileAddress(kept),
    // The same id for the same address, so that one that changed is another.
    addresses: kept.map((one) => ({ id: movedId('address', registeredAt, [id, JSON.stringify(one)]), ...one })),
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

/** Where the customer lives, as their profile says it: the billing address, or another that has a postal code. */
function profileAddress(kept: readonly KeptAddress[]): Record<string, string> | null {
  const [first] = kept
    .filter(({ address }) => address.postalCode !== undefined)
    .toSorted((a, b) => Number(b.defaultBilling) - Number(a.defaultBilling));
  if (first === undefined) return null;
  const { line1, line2, city, region, postalCode, country } = first.address;
  return JSON.parse(JSON.stringify({ line1, line2, city, region, postalCode, country }));
}
