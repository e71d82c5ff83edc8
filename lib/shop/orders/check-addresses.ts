import { postcodeValidator } from 'postcode-validator';
import type { Address } from '../../contract/api/address.ts';
import { type InputError, Problem, type ProblemCode } from '../../contract/api/problems.ts';
import { isCountry } from '../../kernel/countries.ts';

/**
 * The twenty largest economies, whose postal codes have one form that rarely changes. Elsewhere any code is taken, and
 * none is needed: a wrong rule would turn buyers away.
 */
const checkedCountries: ReadonlySet<string> = new Set(
  'AU BR CA CH CN DE ES FR GB ID IN IT JP KR MX NL RU SA TR US'.split(' '),
);

export type Addresses = { shippingAddress?: Address | null | undefined; billingAddress?: Address | null | undefined };

/**
 * Refuses addresses in unknown countries, and those whose postal code does not have the form that it has in their country.
 * @throws Problem country-unknown, postal-code-invalid, each with every address concerned
 */
export const checkAddresses = ({ shippingAddress, billingAddress }: Addresses): void =>
  check({ shippingAddress, billingAddress });

/**
 * The same of one address, in the field `address`.
 * @throws Problem country-unknown, postal-code-invalid
 */
export const checkAddress = (address: Address): void => check({ address });

function check(addresses: Record<string, Address | null | undefined>): void {
  const given = Object.entries(addresses).flatMap(([name, address]) => (address == null ? [] : [{ name, address }]));
  refuse(
    'country-unknown',
    given
      .filter(({ address }) => !isCountry(address.country))
      .map(({ name, address }) => ({
        pointer: `/${name}/country`,
        detail: `is ${address.country}, which is no country of ISO 3166-1`,
      })),
  );
  refuse(
    'postal-code-invalid',
    given
      .filter(({ address }) => !hasGoodPostalCode(address))
      .map(({ name, address: { postalCode, country } }) => ({
        pointer: `/${name}/postalCode`,
        detail: postalCode === undefined ? `is missing, and ${country} has them` : `is not a postal code of ${country}`,
      })),
  );
}

function hasGoodPostalCode({ country, postalCode }: Address): boolean {
  if (!checkedCountries.has(country)) return true;
  return postalCode !== undefined && postcodeValidator(postalCode.toUpperCase(), country);
}

function refuse(code: ProblemCode, errors: InputError[]): void {
  if (errors.length > 0) throw new Problem(code, `${errors[0]!.pointer} ${errors[0]!.detail}.`, { errors });
}
