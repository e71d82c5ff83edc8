import type { Address } from '../../lib/contract/api/address.ts';
import { maxAddresses } from '../../lib/contract/api/customer-addresses.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { checkAddress } from '../../lib/shop/orders/check-addresses.ts';
import type { Mapping } from './mapping.ts';
import { itemsOf } from './order-lines.ts';
import { listAt, textAt } from './read-rows.ts';
import { addressOf } from './values.ts';

/** An address that a customer keeps. */
export type KeptAddress = { address: Address; defaultShipping: boolean; defaultBilling: boolean };

/**
 * The addresses of a customer that fit, each once: those of the row, of its list, and of further rows of the customer. At most one is the
 * default for shipping and one for billing; the first that fits, where the source does not say.
 */
export function readAddresses(
  row: Record<string, unknown>,
  { address, otherAddresses, addresses }: Mapping['customers'],
): { kept: KeptAddress[]; notes: string[] } {
  const rows = [row, ...(listAt(row, '(rows)') ?? []).slice(1)];
  const items = listAt(row, addresses) ?? itemsOf(textAt(row, addresses));
  const from = [
    ...(addresses === undefined ? rows : items).map((one) => [one, address] as const),
    ...rows.flatMap((one) => otherAddresses.map((places) => [one, places] as const)),
  ];
  const notes = new Set<string>();
  const kept = new Map<string, KeptAddress>();
  for (const [one, places] of from) {
    const fitting = addressOf(one, places);
    if (fitting === null) notes.add('addresses of customers that do not fit, which are left out');
    if (fitting == null) continue;
    if (!isTaken(fitting)) notes.add('addresses of customers that orders refuse until they are corrected');
    const known = kept.get(JSON.stringify(fitting));
    const is = (name: 'defaultShipping' | 'defaultBilling') =>
      isYes(textAt(one, places[name])) || known?.[name] === true;
    kept.set(JSON.stringify(fitting), {
      address: fitting,
      defaultShipping: is('defaultShipping'),
      defaultBilling: is('defaultBilling'),
    });
  }
  const all = [...kept.values()];
  if (all.length > maxAddresses)
    notes.add(`customers with more than ${maxAddresses} addresses, of which the first ${maxAddresses} are kept`);
  const few = all.slice(0, maxAddresses);
  const [shipping, billing] = [few.findIndex((one) => one.defaultShipping), few.findIndex((one) => one.defaultBilling)];
  return {
    kept: few.map((one, at) => ({
      ...one,
      defaultShipping: at === Math.max(shipping, 0),
      defaultBilling: at === Math.max(billing, 0),
    })),
    notes: [...notes],
  };
}

/** Whether an order could have it. */
function isTaken(address: Address): boolean {
  try {
    checkAddress(address);
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

const isYes = (text: string): boolean => /^(1|t|true|y|yes)$/i.test(text);
