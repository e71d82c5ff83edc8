import * as z from 'zod/mini';
import { isCountry } from '../../kernel/countries.ts';
import { type IdKind, idPattern } from '../../kernel/ids.ts';
import { isCurrency } from '../../kernel/money.ts';

/** Largest price of one unit, in minor units. Keeps every sum of an order below 2^53. */
export const maxPriceAmount = 100_000_000;

export const id = (kind: IdKind) => z.string().check(z.regex(idPattern(kind)));

export const currency = z.string().check(z.regex(/^[A-Z]{3}$/), z.refine(isCurrency, 'is not an ISO 4217 currency'));

export const amount = z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER));

export const money = z.strictObject({ amount, currency });

export const timestamp = z.iso.datetime();

export const version = z.int().check(z.gte(1));

/**
 * What `If-Match` and `If-None-Match` ask of the version that is changed (RFC 9110 §13.1): that it is one of these, and
 * none of those.
 */
export type VersionCondition = { oneOf?: readonly number[] | undefined; noneOf?: readonly number[] | undefined };

/**
 * Text that a person typed, in one line: with a visible character, and without control characters. Format controls, such
 * as those that turn the direction of text, are among them; only joiners within words and emoji are not.
 */
export const text = (max: number) =>
  z.string().check(
    z.trim(),
    z.minLength(1),
    z.maxLength(max),
    z.regex(/^(?:[^\p{Cc}\p{Cf}\p{Cs}]|[\u200c\u200d])*$/u, 'has control or format characters'),
    z.refine((value) => value === '' || /[\p{L}\p{N}\p{P}\p{S}]/u.test(value), 'has no visible character'),
  );

/** The name of a tax class of the shop. */
export const taxClass = z
  .string()
  .check(z.regex(/^[a-z][a-z0-9-]{0,39}$/, 'is not 1 to 40 small letters, digits or dashes, with a letter first'));

/** A code that the shop chooses. */
export const slug = z
  .string()
  .check(
    z.regex(
      /^[a-z0-9]+(?:-[a-z0-9]+)*$/,
      'is not small letters and digits, with single dashes between them: green-tea',
    ),
    z.maxLength(64),
  );

export const country = z.string().check(z.regex(/^[A-Z]{2}$/), z.refine(isCountry, 'is not a country of ISO 3166-1'));

/** A period from `validFrom` up to `validTo`, which is exclusive; null is without limit. */
export const period = {
  validFrom: z._default(z.nullable(timestamp), null),
  validTo: z._default(z.nullable(timestamp), null),
};
export const periodInOrder = z.refine<{ validFrom: string | null; validTo: string | null }>(
  ({ validFrom, validTo }) => validFrom === null || validTo === null || Date.parse(validFrom) < Date.parse(validTo),
  { error: 'must be after validFrom', path: ['validTo'] },
);

/** Text of several lines. */
export const prose = (max: number) =>
  z.string().check(z.trim(), z.maxLength(max), z.regex(/^(?:[^\p{Cc}\p{Cs}]|[\t\r\n])*$/u, 'has control characters'));

/** Refuses JSON that is larger than so many bytes, or that PostgreSQL cannot keep as `jsonb`. */
export const keepableJson = (bytes: number) => [
  z.refine(isKeepable, 'has text or a number that cannot be kept'),
  z.refine((value) => Buffer.byteLength(JSON.stringify(value)) <= bytes, `has more than ${bytes} bytes as JSON`),
];

/** NUL and lone surrogates are no text in PostgreSQL. What is larger than JavaScript's numbers would become null. */
function isKeepable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, inner]) => isKeepable(name) && isKeepable(inner));
}

export const pageQuery = {
  limit: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(100)), 20),
  cursor: z.optional(z.string().check(z.minLength(1), z.maxLength(500))),
};

/** A page of a list, newest first. */
export const page = <T extends z.ZodMiniType>(item: T) =>
  z.object({ data: z.array(item), hasMore: z.boolean(), nextCursor: z.nullable(z.string()) });
