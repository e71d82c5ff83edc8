import type { Product } from '../../contract/api/catalog.ts';
import { type InputError, Problem } from '../../contract/api/problems.ts';

type Options = Product['options'];
type Values = Product['optionValues'];

/**
 * Capitals make no difference: a customer cannot tell `Red` from `red`.
 * @throws Problem option-repeated, with every option and value concerned
 */
export function checkOptions(options: Options): void {
  const errors = [
    ...repeated(options.map(({ name }) => name)).map((at) => repeatedAt(`/options/${at}/name`, options[at]!.name)),
    ...options.flatMap(({ values }, n) =>
      repeated(values).map((at) => repeatedAt(`/options/${n}/values/${at}`, values[at]!)),
    ),
  ];
  if (errors.length > 0)
    throw new Problem('option-repeated', `${errors[0]!.pointer} ${errors[0]!.detail}.`, { errors });
}

/**
 * Checks that a variant has one value of each option, and nothing else.
 * @throws Problem options-not-met, with every option concerned
 */
export function checkValues(options: Options, values: Values): void {
  const errors = [
    ...options.flatMap(({ name, values: known }): InputError[] => {
      const value = values[name];
      if (value === undefined) return [{ pointer: '/optionValues', detail: `has no ${name}` }];
      if (known.includes(value)) return [];
      return [{ pointer: `/optionValues/${tokenOf(name)}`, detail: `is none of ${known.join(', ')}` }];
    }),
    ...Object.keys(values)
      .filter((name) => options.every((option) => option.name !== name))
      .map((name) => ({ pointer: `/optionValues/${tokenOf(name)}`, detail: 'is no option of the product' })),
  ];
  if (errors.length > 0)
    throw new Problem('options-not-met', `${errors[0]!.pointer} ${errors[0]!.detail}.`, { errors });
}

/** @throws Problem variants-do-not-fit */
export function checkVariantsFit(
  options: Options,
  variants: readonly { sku: string; optionValues: Values | null }[],
): void {
  const misfit = variants.find(({ optionValues }) => !fits(options, optionValues ?? {}));
  if (misfit === undefined) return;
  throw new Problem(
    'variants-do-not-fit',
    `Variant ${misfit.sku} has ${valuesOf(misfit.optionValues ?? {})}, which these options do not allow.`,
    { errors: [{ pointer: '/options', detail: `do not fit variant ${misfit.sku}` }] },
  );
}

const fits = (options: Options, values: Values): boolean =>
  Object.keys(values).length === options.length &&
  options.every(({ name, values: known }) => known.includes(values[name] ?? ''));

const valuesOf = (values: Values): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** The places of what was there before. */
function repeated(names: readonly string[]): number[] {
  const folded = names.map((name) => name.toLowerCase());
  return folded.flatMap((name, at) => (folded.indexOf(name) < at ? [at] : []));
}

const repeatedAt = (pointer: string, name: string): InputError => ({ pointer, detail: `repeats ${name}` });

/** A name as a part of a JSON pointer (RFC 6901). */
const tokenOf = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
