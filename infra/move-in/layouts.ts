import type { Mapping } from './mapping.ts';
import { type Kind, type RawRow, textAt } from './read-rows.ts';

/*
 * Some exports spread a thing over rows: an order over one row for each line, a product over one for each variant, a customer over one
 * for each address. What is said once, in the first row, is left empty in the others. Here such rows become one row for each order and
 * customer, and for each product and variant.
 */

/** Rows as the mapping reads them. */
export function laidOut(kind: Kind, rows: AsyncIterable<RawRow>, mapping: Mapping): AsyncIterable<RawRow> {
  if (kind === 'coupons') return rows;
  const { groupedBy } = mapping[kind];
  if (groupedBy === undefined) return rows;
  return kind === 'products' ? products(rows, groupedBy, mapping.products) : together(rows, groupedBy);
}

/** Rows that share the value of a column as one row, the first, with all of them in `(rows)`. */
export async function* together(rows: AsyncIterable<RawRow>, by: string): AsyncGenerator<RawRow> {
  for await (const [first, ...others] of groups(rows, by)) {
    const { row, value } = first!;
    yield { row, value: value && { ...value, '(rows)': [first!, ...others].map((one) => one.value) } };
  }
}

async function* products(
  rows: AsyncIterable<RawRow>,
  by: string,
  { options, price, sku, withVariants, variant, noOption }: Mapping['products'],
): AsyncGenerator<RawRow> {
  for await (const group of groups(rows, by)) {
    const { row, value: first } = group[0]!;
    if (first === undefined) {
      yield group[0]!;
      continue;
    }
    // Rows without a price are of further images.
    const forms = group.filter(({ value }) => value !== undefined && textAt(value, price) !== '');
    const named = options.filter(({ name }) => textAt(first, name) !== '');
    const only = forms.length <= 1 && named.every(({ values }) => [noOption, ''].includes(textAt(first, values)));
    if (only) {
      // The one option says that there is none.
      const without = Object.fromEntries(named.map(({ name }) => [name as string, '']));
      yield { row, value: { ...first, ...without, '(id)': first[by] } };
      continue;
    }
    const values = named.map(({ values: place }) => [
      place as string,
      [...new Set(forms.map(({ value }) => textAt(value!, place)).filter((text) => text !== ''))],
    ]);
    yield {
      row,
      value: {
        ...first,
        ...Object.fromEntries(values),
        // That of its first variant.
        ...(typeof sku === 'string' ? { [sku]: '' } : {}),
        ...{ '(type)': withVariants, '(id)': first[by], '(parent)': '' },
      },
    };
    for (const { row: at, value } of forms) {
      const names = Object.fromEntries(named.map(({ name }) => [name as string, first[name as string]]));
      const own = named.map(({ values: place }) => textAt(value!, place)).join('-');
      const id = `${first[by]}-${own}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
      yield { row: at, value: { ...value, ...names, ...{ '(type)': variant, '(id)': id, '(parent)': first[by] } } };
    }
  }
}

/** Rows that follow each other and have the same value in a column; one that has none belongs to those before it. */
async function* groups(rows: AsyncIterable<RawRow>, by: string): AsyncGenerator<RawRow[]> {
  let [group, name]: [RawRow[], string] = [[], ''];
  for await (const raw of rows) {
    const own = String(raw.value?.[by] ?? '').trim();
    if (group.length > 0 && own !== '' && own !== name) {
      yield group;
      group = [];
    }
    if (own !== '') name = own;
    group.push(raw);
  }
  if (group.length > 0) yield group;
}
