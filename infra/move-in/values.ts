import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { type Address, address } from '../../lib/contract/api/address.ts';
import { describe, issuesOf } from '../../lib/contract/api/issues.ts';
import { isCountry } from '../../lib/kernel/countries.ts';
import { type IdKind, idPrefixes } from '../../lib/kernel/ids.ts';
import { currencyExponent, isCurrency } from '../../lib/kernel/money.ts';
import { RowRejected } from './errors.ts';
import type { AddressPlaces } from './mapping.ts';
import { textAt } from './read-rows.ts';

/**
 * The id of something that moves in: the same one each time, so that a load that is repeated finds what is there. It sorts by the
 * time of the thing, as ids do that are made here.
 */
export function movedId(kind: IdKind, at: Date, of: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(of)).digest('hex');
  const time = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${idPrefixes[kind]}_${time}7${hash.slice(0, 3)}8${hash.slice(3, 18)}`;
}

/**
 * Minor units of a decimal number such as `19.99`; what is smaller than a minor unit is rounded half up.
 * @throws RowRejected
 */
export function minorUnits(text: string, currency: string, what: string): number {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d{1,12})(?:[.,](\d{1,20}))?$/.exec(text) ?? [];
  if (whole === '') throw new RowRejected(`has ${what} "${text}", which is no amount`);
  const digits = currencyExponent(currency);
  const amount =
    Number(whole + fraction.slice(0, digits).padEnd(digits, '0')) + (Number(fraction[digits] ?? 0) >= 5 ? 1 : 0);
  return sign === '-' ? -amount : amount;
}

/** @throws RowRejected */
export function currencyOf(text: string): string {
  const code = text.toUpperCase();
  if (!/^[A-Z]{3}$/.test(code) || !isCurrency(code))
    throw new RowRejected(`has the currency "${text}", which ISO 4217 does not know`);
  return code;
}

/**
 * A time such as `2024-03-05 14:22:33`, which is in UTC unless it says otherwise.
 * @throws RowRejected
 */
export function timeOf(text: string, what: string): Date {
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$/.exec(
    text,
  );
  const zone = /^[+-]/.test(iso?.[3] ?? '') ? iso![3]!.replace(/^(.\d\d)$/, '$1:00') : 'Z';
  const at = new Date(iso === null ? Number.NaN : `${iso[1]}T${iso[2] ?? '00:00'}${zone}`);
  if (Number.isNaN(at.getTime()) || at.getTime() < 0) throw new RowRejected(`has ${what} "${text}", which is no time`);
  return at;
}

/** A place to send to or to bill; undefined without one, null where what the row says is none. */
export function addressOf(row: Record<string, unknown>, places: AddressPlaces): Address | null | undefined {
  const at = (name: keyof AddressPlaces) => textAt(row, places[name]);
  const value = {
    name: `${at('firstName')} ${at('lastName')}`.trim() || at('company'),
    ...given({
      company: at('company'),
      line1: at('line1'),
      line2: at('line2'),
      // Some exports write an apostrophe before it, so that spreadsheets keep its zeros.
      postalCode: at('postalCode').replace(/^'/, ''),
      city: at('city'),
      region: at('region'),
      country: at('country').toUpperCase(),
    }),
  };
  if (at('line1') === '' && at('city') === '') return undefined;
  const result = z.safeParse(address, value);
  return result.success && isCountry(result.data.country) ? result.data : null;
}

/** Without what is empty. */
export const given = <T extends Record<string, string>>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== '')) as Partial<T>;

/**
 * What the API would take of this.
 * @throws RowRejected that says what it would not
 */
export function fitted<S extends z.ZodMiniType>(schema: S, value: unknown): z.output<S> {
  const result = z.safeParse(schema, value, { error: describe });
  if (result.success) return result.data;
  throw new RowRejected(
    issuesOf(result.error.issues)
      .map(({ pointer, detail }) => `${pointer} ${detail}`)
      .join('; '),
  );
}
