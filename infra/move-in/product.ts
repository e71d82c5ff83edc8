import type * as z from 'zod/mini';
import { productRow } from '../../lib/contract/api/catalog.ts';
import { withoutMarkup } from './entities.ts';
import { RowRejected } from './errors.ts';
import type { Mapping } from './mapping.ts';
import { textAt } from './read-rows.ts';
import { currencyOf, fitted, minorUnits } from './values.ts';

export type ProductRecord = {
  id: string;
  fields: z.output<typeof productRow> & { price: { amount: number; currency: string } };
  /** Names from the top down. */
  category: string[];
  /** Of a form, the SKU or id of its product in the previous shop. */
  parent: string | undefined;
  /** Units; undefined where the shop does not count them. */
  stock: number | undefined;
  notes: string[];
};

const longestDescription = 5000;

/**
 * A product of another shop, as the API takes products.
 * @throws RowRejected
 */
export function toProduct(row: Record<string, unknown>, { products, ...mapping }: Mapping): ProductRecord {
  const at = (name: Exclude<keyof typeof products, 'options' | 'groupedBy'>) => textAt(row, products[name] as never);
  const notes: string[] = [];
  const id = at('id') || at('sku');
  if (id === '') throw new RowRejected('has neither an id nor an SKU');
  const sku = at('sku') || `${mapping.prefix}-${id}`;
  if (at('sku') === '') notes.push('products without an SKU, which get one from their id');
  const type = at('type');
  const [isParent, isVariant] = [type === products.withVariants, type === products.variant];
  const currency = currencyOf(at('currency') || mapping.currency);
  const price = at('price');
  if (price === '' && !isParent) throw new RowRejected('has no price');
  const [path = [], ...otherPaths] = pathsOf(at('categories'), products);
  if (otherPaths.length > 0) notes.push('products in several categories, of which the first is kept');
  const stock = stockOf(at('stock'), isParent, notes);
  const weight = at('weight');
  const fields = fitted(productRow, {
    sku,
    name: at('name') || undefined,
    ...(isVariant ? { optionValues: Object.fromEntries(optionsOf(row, products)) } : descriptive()),
    ...(isParent ? { options: valuesOf() } : {}),
    price: { amount: price === '' ? 0 : minorUnits(price, currency, 'the price'), currency },
    weight: weight === '' ? undefined : Math.round(Number(weight.replace(',', '.')) * mapping.gramsPerWeight),
    active: !['0', '-1', 'false', 'draft', 'no', 'archived', 'proposed', 'rejected'].includes(
      at('published').toLowerCase(),
    ),
    metadata: { movedIn: { source: mapping.source, id } },
  });
  const parent = at('parent').replace(/^id:/, '') || undefined;
  if (isVariant && parent === undefined) throw new RowRejected('is a form of a product, and does not say of which');
  return {
    id,
    fields: fields as ProductRecord['fields'],
    category: path,
    parent: isVariant ? parent : undefined,
    stock,
    notes,
  };

  function descriptive() {
    const description = withoutMarkup(at('description'));
    if (description.length > longestDescription)
      notes.push(`descriptions of more than ${longestDescription} characters, which are cut`);
    const taxClass = at('taxClass')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-');
    return {
      description: description.slice(0, longestDescription) || undefined,
      brand: at('brand') || undefined,
      taxClass: /^[a-z]/.test(taxClass) ? taxClass : undefined,
    };
  }

  function valuesOf() {
    return optionsOf(row, products).map(([name, text]) => ({
      name,
      // A list, where rows of variants were put together.
      values: (text.startsWith('[') ? (JSON.parse(text) as string[]) : text.split(','))
        .map((value) => value.trim())
        .filter((value) => value !== ''),
    }));
  }
}

/** Paths of categories, each from the top down: from text, or from JSON where names may have any sign in them. */
function pathsOf(text: string, { categoryBelow, categoryNext }: Mapping['products']): string[][] {
  const paths: string[][] = text.startsWith('[[')
    ? JSON.parse(text)
    : text.split(categoryNext).map((path) => path.split(categoryBelow));
  return paths.map((path) => path.map((name) => name.trim()).filter((name) => name !== ''));
}

function stockOf(text: string, isParent: boolean, notes: string[]): number | undefined {
  if (text === '' || isParent) return undefined;
  const units = Number(text.replace(',', '.'));
  if (!Number.isInteger(units) || units > 1_000_000_000)
    throw new RowRejected(`has a stock of "${text}", which is no whole number`);
  if (units < 0) notes.push('products with less than nothing in stock, which get 0');
  return Math.max(0, units);
}

const optionsOf = (row: Record<string, unknown>, { options }: Mapping['products']): [string, string][] =>
  options
    .map(({ name, values }): [string, string] => [textAt(row, name), textAt(row, values)])
    .filter(([name, values]) => name !== '' && values !== '');
