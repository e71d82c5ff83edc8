import { withoutEntities } from './entities.ts';
import type { Row } from './mysql.ts';
import { fromPhp } from './php.ts';
import { idsOf, lastId, type Meta, pages, type ReadKind, readMeta, type Wordpress } from './wordpress-tables.ts';

type Post = { id: string; parent: string; title: string; text: string; excerpt: string; status: string };
type Term = { id: string; of: string; taxonomy: string; name: string; slug: string };
/** An attribute of which a product's variants differ. `key` is what their meta call it. */
type Attribute = { key: string; name: string; values: string[]; isTaxonomy: boolean };

const names = [
  ...['_sku', '_price', '_regular_price', '_sale_price', '_manage_stock', '_stock', '_weight', '_tax_class'],
  ...['_product_attributes', '_yoast_wpseo_primary_product_cat'],
];

/** Products and then their variants, in the columns of WooCommerce's own export. */
export const readProducts: ReadKind = async function* (wordpress, onShare) {
  const labels = await readLabels(wordpress);
  const categories = await readCategories(wordpress);
  const last = await lastId(wordpress, `select max(ID) as id from ${wordpress.table('posts')}`);
  const share = (id: string, half: 0 | 1) => onShare((half + Number(id) / last) / 2);
  for await (const some of pages<Post>(wordpress, postsOf(wordpress, 'product'))) {
    const meta = await readMeta(wordpress, { from: 'postmeta', id: 'post_id' }, idsOf(some), names);
    const terms = await readTerms(wordpress, idsOf(some));
    for (const post of some) {
      const [own, of] = [meta.get(post.id) ?? {}, terms.get(post.id) ?? []];
      const type = of.find(({ taxonomy }) => taxonomy === 'product_type')?.slug ?? 'simple';
      const attributes = type === 'variable' ? attributesOf(own, of, labels) : [];
      share(post.id, 0);
      yield {
        ...columnsOf(wordpress, post, own),
        Type: type,
        Description: post.text || post.excerpt,
        Categories: pathsOf(of, own, categories),
        Brands: of.find(({ taxonomy }) => taxonomy === 'product_brand')?.name ?? '',
        ...attributeColumns(attributes.map(({ name, values }) => [name, values])),
      };
    }
  }
  yield* readVariants(wordpress, labels, share);
};

async function* readVariants(
  wordpress: Wordpress,
  labels: ReadonlyMap<string, string>,
  share: (id: string, half: 0 | 1) => void,
): AsyncGenerator<Row> {
  for await (const some of pages<Post>(wordpress, postsOf(wordpress, 'product_variation'))) {
    const parents = [...new Set(some.map(({ parent }) => Number(parent)))];
    const parentMeta = await readMeta(wordpress, { from: 'postmeta', id: 'post_id' }, parents, ['_product_attributes']);
    const terms = await readTerms(wordpress, parents);
    const attributes = new Map(
      parents.map((id) => [
        String(id),
        attributesOf(parentMeta.get(String(id)) ?? {}, terms.get(String(id)) ?? [], labels),
      ]),
    );
    const keys = [...new Set([...attributes.values()].flat().map(({ key }) => key))];
    const meta = await readMeta(wordpress, { from: 'postmeta', id: 'post_id' }, idsOf(some), [...names, ...keys]);
    for (const post of some) {
      const own = meta.get(post.id) ?? {};
      share(post.id, 1);
      yield {
        ...columnsOf(wordpress, post, own),
        Type: 'variation',
        Parent: post.parent,
        ...attributeColumns(
          (attributes.get(post.parent) ?? []).map(({ key, name, isTaxonomy }) => {
            const value = own[key] ?? '';
            const term = (terms.get(post.parent) ?? []).find(
              ({ slug, taxonomy }) => slug === value && key === `attribute_${taxonomy}`,
            );
            return [name, (isTaxonomy ? term?.name : undefined) ?? value];
          }),
        ),
      };
    }
  }
}

/** What is in the bin, or was never saved, does not move. */
const postsOf = ({ table }: Wordpress, type: 'product' | 'product_variation'): string =>
  `select ID as id, post_parent as parent, post_title as title, post_content as text, post_excerpt as excerpt,
     post_status as status
   from ${table('posts')}
   where post_type = '${type}' and post_status not in ('trash', 'auto-draft') and ID > ? order by ID limit ?`;

const kilograms: Record<string, number> = { kg: 1, g: 0.001, lbs: 0.45359237, oz: 0.028349523 };

function columnsOf({ settings }: Wordpress, { id, title, status }: Post, meta: Meta): Row {
  const sale = meta._sale_price ?? '';
  const weight = Number((meta._weight ?? '').replace(',', '.'));
  return {
    ...{ ID: id, SKU: meta._sku ?? '', Name: withoutEntities(title), Published: status === 'publish' ? 1 : 0 },
    // A sale has a beginning and an end; the price of today is in _price.
    ...{ 'Sale price': sale !== '' && sale === meta._price ? sale : '', 'Regular price': meta._regular_price ?? '' },
    Currency: settings.get('woocommerce_currency') ?? '',
    'Tax class': meta._tax_class ?? '',
    Stock: meta._manage_stock === 'yes' ? String(Number(meta._stock || 0)) : '',
    'Weight (kg)': weight > 0 ? String(weight * (kilograms[settings.get('woocommerce_weight_unit') ?? 'kg'] ?? 1)) : '',
  };
}

const attributeColumns = (attributes: readonly [string, string | string[]][]): Row =>
  Object.fromEntries(
    attributes.flatMap(([name, values], at) => [
      [`Attribute ${at + 1} name`, name],
      [`Attribute ${at + 1} value(s)`, values],
    ]),
  );

/** The names of attributes that the whole shop shares, by that of their taxonomy. */
async function readLabels({ query, table }: Wordpress): Promise<Map<string, string>> {
  const rows = await query<{ name: string; label: string }>(
    `select attribute_name as name, attribute_label as label from ${table('woocommerce_attribute_taxonomies')}`,
  );
  return new Map(rows.map(({ name, label }) => [`pa_${name}`, label]));
}

function attributesOf(meta: Meta, terms: readonly Term[], labels: ReadonlyMap<string, string>): Attribute[] {
  const all = fromPhp(meta._product_attributes ?? '');
  if (typeof all !== 'object' || all === null) return [];
  return Object.entries(all as Record<string, Record<string, unknown>>)
    .filter(([, { is_variation }]) => Number(is_variation) === 1)
    .toSorted(([, a], [, b]) => Number(a.position) - Number(b.position))
    .map(([key, { name, value, is_taxonomy }]) => {
      const isTaxonomy = Number(is_taxonomy) === 1;
      const values = isTaxonomy
        ? terms.filter(({ taxonomy }) => taxonomy === key).map((term) => term.name)
        : String(value ?? '').split('|');
      return {
        key: `attribute_${key}`,
        name: (isTaxonomy ? labels.get(key) : undefined) ?? String(name),
        values: values.map((text) => text.trim()).filter((text) => text !== ''),
        isTaxonomy,
      };
    });
}

/** What products are sorted into, by the products' ids. */
async function readTerms({ query, table }: Wordpress, ids: readonly number[]): Promise<Map<string, Term[]>> {
  const rows = await query<Term>(
    `select x.term_id as id, r.object_id as \`of\`, x.taxonomy, t.name, t.slug
     from ${table('term_relationships')} r
     join ${table('term_taxonomy')} x on x.term_taxonomy_id = r.term_taxonomy_id
     join ${table('terms')} t on t.term_id = x.term_id
     where r.object_id in (?)
       and (x.taxonomy in ('product_type', 'product_cat', 'product_brand') or x.taxonomy like 'pa\\_%')
     order by r.term_order, x.term_id`,
    [ids],
  );
  return Map.groupBy(
    rows.map((row) => ({ ...row, name: withoutEntities(row.name) })),
    ({ of }) => of,
  );
}

type Category = { name: string; parent: string };

async function readCategories({ query, table }: Wordpress): Promise<Map<string, Category>> {
  const rows = await query<Category & { id: string }>(
    `select t.term_id as id, t.name, x.parent from ${table('terms')} t
     join ${table('term_taxonomy')} x on x.term_id = t.term_id where x.taxonomy = 'product_cat'`,
  );
  return new Map(rows.map(({ id, name, parent }) => [id, { name: withoutEntities(name), parent }]));
}

/** The categories of a product as paths from the top, the one that counts first: the one said to be the primary, or the deepest. */
function pathsOf(terms: readonly Term[], meta: Meta, categories: ReadonlyMap<string, Category>): string[][] | '' {
  const pathTo = (id: string): string[] => {
    const path: string[] = [];
    for (let at = categories.get(id); at !== undefined && path.length < 20; at = categories.get(at.parent))
      path.unshift(at.name);
    return path;
  };
  const isPrimary = ({ id }: Term) => id === meta._yoast_wpseo_primary_product_cat;
  const own = terms
    .filter(({ taxonomy }) => taxonomy === 'product_cat')
    .map((term) => ({ term, path: pathTo(term.id) }))
    .toSorted((a, b) => Number(isPrimary(b.term)) - Number(isPrimary(a.term)) || b.path.length - a.path.length);
  // WooCommerce may sort a product into a category and the ones above it, too.
  const isAbove = (path: string[]) =>
    own.some((other) => other.path.length > path.length && path.every((name, at) => other.path[at] === name));
  const paths = own.map(({ path }) => path).filter((path, at) => at === 0 || !isAbove(path));
  return paths.length === 0 ? '' : paths;
}
