import { isDeepStrictEqual } from 'node:util';
import type { CustomerRecord } from './customer.ts';
import { stockReason } from './load-products.ts';
import type { ProductRecord } from './product.ts';
import type { Verifying } from './verifying.ts';

type ProductHere = {
  sku: string;
  name: string;
  description: string | null;
  brand: string | null;
  taxClass: string;
  weight: number | null;
  active: boolean;
  price: { amount: number; currency: string };
  optionValues: Record<string, string> | null;
  categories: string[];
  onHand: number;
  own: boolean;
};

/** Compares products by SKU, and their stock as long as nothing else has moved it. */
export async function verifyProducts({ sql, differ }: Verifying, records: readonly ProductRecord[]): Promise<void> {
  const skus = JSON.stringify(records.map(({ fields }) => fields.sku));
  const rows = await sql<ProductHere[]>`
    select p.sku, p.name, p.description, p.brand, p.tax_class, p.weight, p.active, p.option_values,
      jsonb_build_object('amount', p.price_amount, 'currency', p.price_currency) as price,
      (select coalesce(jsonb_agg(c.name order by cardinality(c.path)), '[]') from catalog.categories c
        where c.id = any (select unnest(path) from catalog.categories where id = p.category_id)) as categories,
      coalesce(l.on_hand, 0) as on_hand,
      not exists (select from stock.movements m where m.product_id = p.id and m.reason <> ${stockReason}) as own
    from catalog.products p left join stock.levels l on l.product_id = p.id
    where p.sku in (select jsonb_array_elements_text(${skus}::text::jsonb))`;
  const here = new Map(rows.map((row) => [row.sku, row]));
  for (const { id, fields, category, parent, stock } of records) {
    const row = here.get(fields.sku);
    if (row === undefined) {
      differ('products', id, `is missing: there is no SKU ${fields.sku}`);
      continue;
    }
    const { options, sku: _, metadata: __, parentSku: ___, categoryId: ____, ...wanted } = fields;
    // The price of what comes in several forms is that of the cheapest, and what a form leaves out is its product's.
    const compared = Object.entries(wanted).filter(
      ([name, value]) => value !== undefined && !(name === 'price' && options !== undefined),
    );
    for (const [name, value] of compared)
      if (!isDeepStrictEqual(row[name as keyof ProductHere] ?? null, value ?? null)) {
        differ('products', id, `has ${name} ${show(row[name as keyof ProductHere])} and not ${show(value)}`);
      }
    if (parent === undefined && !isDeepStrictEqual(row.categories, category.slice(0, row.categories.length)))
      differ('products', id, `is in ${show(row.categories)} and not in ${show(category)}`);
    if (stock !== undefined && row.own && row.onHand !== stock)
      differ('products', id, `has ${row.onHand} in stock and not ${stock}`);
  }
}

type CustomerHere = Pick<CustomerRecord, 'id' | 'email' | 'name' | 'address' | 'addresses'> & {
  passwordHash: string;
  /** Whether the customer has chosen a password here. */
  chose: boolean;
};

/** Compares customers by e-mail address. Who has signed in here since may have changed what they like. */
export async function verifyCustomers({ sql, differ }: Verifying, records: readonly CustomerRecord[]): Promise<void> {
  const emails = JSON.stringify(records.map(({ email }) => email));
  const rows = await sql<CustomerHere[]>`
    select id, email, name, address, password_hash, access_version > 1 as chose,
      (
        select coalesce(jsonb_agg(jsonb_build_object(
          'id', a.id, 'address', a.address, 'defaultShipping', a.default_shipping, 'defaultBilling', a.default_billing
        )), '[]') from customers.addresses a where a.customer_id = c.id
      ) as addresses
    from customers.customers c
    where email in (select jsonb_array_elements_text(${emails}::text::jsonb))`;
  const here = new Map(rows.map((row) => [row.email, row]));
  for (const { id, oldId, email, name, address, addresses, passwordHash } of records) {
    const row = here.get(email);
    if (row === undefined) differ('customers', oldId, 'is missing');
    if (row === undefined || row.id !== id) continue;
    if (passwordHash === undefined ? row.chose : row.passwordHash.startsWith('$scrypt$')) continue;
    if (row.name !== name) differ('customers', oldId, 'has another name');
    if (!isDeepStrictEqual(row.address, address)) differ('customers', oldId, 'has another address');
    const kept = (of: CustomerRecord['addresses']) => of.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    if (!isDeepStrictEqual(kept(row.addresses), kept(addresses)))
      differ(
        'customers',
        oldId,
        `keeps ${row.addresses.length} addresses that are not the ${addresses.length} of the file`,
      );
    if (passwordHash !== undefined && row.passwordHash !== passwordHash)
      differ('customers', oldId, 'has another password hash');
  }
}

const show = (value: unknown): string => JSON.stringify(value ?? null);
