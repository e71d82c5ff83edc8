import { iso31661 } from 'iso-3166';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { type Address, address, contact } from '../../lib/contract/api/address.ts';
import { isCountry } from '../../lib/kernel/countries.ts';
import { checkAddresses } from '../../lib/shop/orders/check-addresses.ts';

const at = (country: string, postalCode?: string): Address => ({
  name: 'Ada Byron',
  line1: 'Street 1',
  city: 'Town',
  country,
  ...(postalCode === undefined ? {} : { postalCode }),
});

test('the countries are those that ISO 3166-1 has assigned', () => {
  const assigned = new Set(iso31661.filter(({ state }) => state === 'assigned').map(({ alpha2 }) => alpha2));
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const all = letters.flatMap((first) => letters.map((second) => first + second));
  expect(all.filter(isCountry)).toEqual(all.filter((code) => assigned.has(code)));
});

test.each([
  ['AU', '2000', '20000'],
  ['BR', '01310-100', '0131-0100'],
  ['CA', 'K1A 0B1', '11A 0B1'],
  ['CH', '8001', '08001'],
  ['CN', '100000', '10000'],
  ['DE', '10115', '1011'],
  ['ES', '28001', '99001'],
  ['FR', '75001', '7500A'],
  ['GB', 'sw1a 1aa', 'SW1A'],
  ['ID', '10110', '1011'],
  ['IN', '110001', '1100'],
  ['IT', '00118', '0118'],
  ['JP', '100-0001', '1000'],
  ['KR', '03051', '110-061'],
  ['MX', '06000', '600'],
  ['NL', '1012 js', '1012'],
  ['RU', '101000', '10100'],
  ['SA', '11564', '1156'],
  ['TR', '06100', '6100'],
  ['US', '94105-1234', '9410'],
])('a postal code of %s has its form', (country, good, bad) => {
  expect(() => checkAddresses({ shippingAddress: at(country, good) })).not.toThrow();
  const wrong = { shippingAddress: at(country, good), billingAddress: at(country, bad) };
  expect(problemOf(() => checkAddresses(wrong))).toMatchObject({
    code: 'postal-code-invalid',
    errors: [{ pointer: '/billingAddress/postalCode' }],
  });
  expect(problemOf(() => checkAddresses({ shippingAddress: at(country) }))).toMatchObject({
    code: 'postal-code-invalid',
    errors: [{ pointer: '/shippingAddress/postalCode', detail: `is missing, and ${country} has them` }],
  });
});

test('elsewhere any postal code is taken, or none', () => {
  expect(() => checkAddresses({ shippingAddress: at('HK'), billingAddress: at('IE', 'whatever') })).not.toThrow();
});

test('an unknown country is named at each address that has it', () => {
  expect(problemOf(() => checkAddresses({ shippingAddress: at('UK'), billingAddress: at('EU') }))).toMatchObject({
    code: 'country-unknown',
    errors: [{ pointer: '/shippingAddress/country' }, { pointer: '/billingAddress/country' }],
  });
});

test.each([
  [address, at('Austria')],
  [address, { ...at('AT'), vatNumber: 'x' }],
  [address, { ...at('AT'), name: '' }],
  [address, { ...at('AT'), city: 'Graz\nWien' }],
  [address, { ...at('AT'), street: 'x' }],
  [contact, { email: 'ada' }],
  [contact, { phone: '+43' }],
  [contact, { phone: 'call me' }],
])('what has no form of an address or a contact is refused (%#)', (schema, value) => {
  expect(z.safeParse(schema, value).success).toBe(false);
});

test('a VAT number is taken in small letters, an e-mail in capitals', () => {
  expect(z.parse(address, { ...at('AT'), vatNumber: ' atu12345678 ' }).vatNumber).toBe('ATU12345678');
  expect(z.parse(contact, { email: 'Ada@Example.com', phone: '+43 (316) 000-000' })).toEqual({
    email: 'ada@example.com',
    phone: '+43 (316) 000-000',
  });
});

function problemOf(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
