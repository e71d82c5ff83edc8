import { createHash } from 'node:crypto';
import type { TransactionSql } from 'postgres';
import { Problem } from '../../lib/contract/api/problems.ts';
import { insertCategory, listCategories, type NewCategory } from '../../lib/shop/catalog/categories.sql.ts';
import { insertProduct, updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { insertVariant } from '../../lib/shop/catalog/variants.sql.ts';
import { adjustStock } from '../../lib/shop/stock/ledger.sql.ts';
import { type Counts, type Entry, type Loading, loadBatches } from './loading.ts';
import type { ProductRecord } from './product.ts';

type Known = { id: string; sku: string; source: string | null; oldId: string | null; sha256: string | null };

/** The reason of the movements that bring stock in. */
export const stockReason = 'moved in from the previous shop';

/**
 * Loads products with their categories and stock: each product by its SKU, in a transaction of its own, forms after the products
 * that they are of. Stock is set by a movement, as long as nothing else has moved it here.
 */
export async function loadProducts(loading: Loading): Promise<Counts> {
  const variants: Entry<'products'>[] = [];
  const write = async (entries: Entry<'products'>[]) => {
    const counts = { added: 0, changed: 0, unchanged: 0, rejected: 0 };
    const categories = await makeCategories(loading, entries);
    for (const entry of entries) {
      const outcome = await writeProduct(loading, entry.record, categories).catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        loading.reject('products', entry, error.message);
        return 'rejected' as const;
      });
      counts[outcome]++;
    }
    return counts;
  };
  const counts = await loadBatches(loading, 'products', (entries) => {
    variants.push(...entries.filter(({ record }) => record.parent !== undefined));
    return write(entries.filter(({ record }) => record.parent === undefined));
  });
  const last = await write(variants);
  for (const name of ['added', 'changed', 'unchanged', 'rejected'] as const) counts[name] += last[name];
  loading.onBatch('products', counts, 1);
  return counts;
}

/** Makes the categories that are missing. Returns ids by path of names. */
async function makeCategories({ sql, clock }: Loading, entries: Entry<'products'>[]): Promise<Map<string, string>> {
  const all = await listCategories(sql);
  const bySlug = new Map(all.map(({ id, parentId, slug }) => [`${parentId}/${slug}`, id]));
  const ids = new Map<string, string>();
  for (const { record } of entries) {
    let parentId: string | null = null;
    for (const [depth, name] of record.category.entries()) {
      const slug = slugOf(name);
      const known = bySlug.get(`${parentId}/${slug}`);
      const values: NewCategory = { parentId, slug, name: name.slice(0, 100), position: 0 };
      // A category that is too deep, or one too many, leaves its products in the one above.
      const id: string | undefined =
        known ?? (await sql.begin((tx) => insertCategory(tx, values, clock)).catch(unlessProblem))?.id;
      if (id === undefined) break;
      bySlug.set(`${parentId}/${slug}`, id);
      parentId = id;
      ids.set(JSON.stringify(record.category.slice(0, depth + 1)), id);
    }
    if (parentId !== null) ids.set(JSON.stringify(record.category), parentId);
  }
  return ids;
}

const unlessProblem = (error: unknown): undefined => {
  if (!(error instanceof Problem)) throw error;
};

const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replaceAll(/^-|-$/g, '') || createHash('sha256').update(name).digest('hex').slice(0, 12);

const writeProduct = ({ sql, mapping, clock }: Loading, record: ProductRecord, categories: Map<string, string>) =>
  sql.begin(async (tx): Promise<'added' | 'changed' | 'unchanged'> => {
    const categoryId = categories.get(JSON.stringify(record.category));
    const { sku, options, optionValues, price, metadata: _, ...rest } = record.fields;
    const sha256 = createHash('sha256')
      .update(JSON.stringify([record.fields, record.category]))
      .digest('hex');
    const metadata = { movedIn: { source: mapping.source, id: record.id, sha256 } };
    const fields = {
      ...rest,
      metadata,
      ...(record.parent === undefined && categoryId !== undefined ? { categoryId } : {}),
    };
    const [found] = await readKnown(tx, sku);
    let outcome: 'added' | 'changed' | 'unchanged' = 'unchanged';
    let id = found?.id;
    if (found === undefined) {
      outcome = 'added';
      id = await insert();
    } else if (found.source !== mapping.source || found.oldId !== record.id) {
      throw new Problem('sku-taken', `The SKU ${sku} is that of another product here.`);
    } else if (found.sha256 !== sha256) {
      outcome = 'changed';
      await updateProduct(tx, found.id, options === undefined ? { ...fields, price } : fields, {}, clock);
    }
    const moved = record.stock === undefined ? false : await setStock(tx, id!, record.stock, clock);
    return outcome === 'unchanged' && moved ? 'changed' : outcome;

    async function insert(): Promise<string> {
      if (record.parent === undefined) {
        if (rest.name === undefined) throw new Problem('invalid-input', 'A product needs a name.');
        const product = {
          ...fields,
          name: rest.name,
          sku,
          price,
          active: rest.active ?? true,
          ...(options && { options }),
        };
        return (await insertProduct(tx, product, clock)).id;
      }
      const parent = await findParent(tx, mapping.source, record.parent);
      const { name, active = true, weight } = rest;
      const variant = {
        sku,
        price,
        active,
        metadata,
        optionValues: optionValues ?? {},
        ...(name && { name }),
        ...(weight != null && { weight }),
      };
      await insertVariant(tx, parent, variant, { clock });
      return (await readKnown(tx, sku))[0]!.id;
    }
  });

const readKnown = (tx: TransactionSql, sku: string) => tx<Known[]>`
  select id, sku, metadata #>> '{movedIn,source}' as source, metadata #>> '{movedIn,id}' as old_id,
    metadata #>> '{movedIn,sha256}' as sha256
  from catalog.products where sku = ${sku} for no key update`;

async function findParent(tx: TransactionSql, source: string, parent: string): Promise<string> {
  const [row] = await tx<{ id: string }[]>`
    select id from catalog.products
    where parent_id is null and (sku = ${parent} or metadata @> ${JSON.stringify({ movedIn: { source, id: parent } })}::text::jsonb)
    order by sku <> ${parent} limit 1`;
  if (row === undefined) throw new Problem('not-found', `Its product ${parent} is not here.`);
  return row.id;
}

/** Sets the stock of a product, unless something else has moved it. Returns whether it moved. */
async function setStock(
  tx: TransactionSql,
  productId: string,
  units: number,
  clock: Loading['clock'],
): Promise<boolean> {
  const [level] = await tx<{ onHand: number; own: boolean }[]>`
    select on_hand, not exists (
      select from stock.movements m where m.product_id = ${productId} and m.reason <> ${stockReason}
    ) as own
    from stock.levels where product_id = ${productId}`;
  const quantity = units - (level?.onHand ?? 0);
  if (quantity === 0 || level?.own === false) return false;
  await adjustStock(tx, productId, { quantity, reason: stockReason }, clock);
  return true;
}
