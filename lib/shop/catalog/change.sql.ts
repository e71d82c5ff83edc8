import type { Fragment, JSONValue, Sql, TransactionSql } from 'postgres';
import type * as z from 'zod/mini';
import type * as contract from '../../contract/api/catalog.ts';
import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import { productCreated, productUpdated } from '../../contract/events/domain-events.ts';
import { atVersion } from '../../database/version-condition.sql.ts';
import { eventData, insertEvents } from '../../events/outbox.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { categoryUnknown } from './category-tree.ts';
import { columns, type ProductRow, requireProduct, toProduct } from './products.sql.ts';

export type NewProduct = z.output<typeof contract.createProduct.body>;
export type ProductChanges = z.output<typeof contract.updateProduct.body>;

/**
 * Adds a product, and the event of it.
 * @param requestId the API request: the correlation id of the event
 * @throws Problem sku-taken, category-unknown
 */
export async function insertProduct(
  sql: Sql | TransactionSql,
  product: NewProduct,
  clock: Clock,
  requestId?: string,
): Promise<contract.Product> {
  const now = new Date(clock.now());
  const values = { id: newId('product', clock), ...columnsOf(sql, product), created_at: now, updated_at: now };
  const [row] = await sql<ProductRow[]>`
    with changed as (
      insert into catalog.products ${sql(values)}
      on conflict (sku) do nothing
      returning ${columns(sql, { costs: true })}
    ),
    ${announced(sql, productCreated, { clock, requestId })}
    select ${columns(sql, { costs: true })} from changed`.catch((error) => {
    throw explain(error, product);
  });
  if (row === undefined) throw skuTaken(product.sku);
  return toProduct(row);
}

/**
 * Changes the given fields, and writes the event of it. The version goes up by one each time, even if no value is different.
 * @param condition changes the product only if its version meets it
 * @param requestId the API request: the correlation id of the event
 * @throws Problem not-found, sku-taken, category-unknown, version-stale
 */
export async function updateProduct(
  sql: Sql,
  id: string,
  changes: ProductChanges,
  condition: VersionCondition,
  clock: Clock,
  requestId?: string,
): Promise<contract.Product> {
  const values = { ...columnsOf(sql, changes), updated_at: new Date(clock.now()) };
  const [row] = await sql<ProductRow[]>`
    with changed as (
      update catalog.products set ${sql(values)}, version = version + 1
      where id = ${id} ${atVersion(sql, condition)}
      returning ${columns(sql, { costs: true })}
    ),
    ${announced(sql, productUpdated, { clock, requestId })}
    select ${columns(sql, { costs: true })} from changed`.catch((error) => {
    throw explain(error, changes);
  });
  if (row !== undefined) return toProduct(row);
  await requireProduct(sql, id);
  throw new Problem('version-stale', 'The product has changed since you read it. Read it again and repeat the change.');
}

/** The columns of the fields that are given. */
function columnsOf(sql: Sql | TransactionSql, fields: ProductChanges) {
  const {
    sku,
    name,
    description,
    categoryId,
    brand,
    images,
    attributes,
    metadata,
    price,
    costPrice,
    taxClass,
    weight,
    active,
  } = fields;
  const columns = {
    sku,
    name,
    description,
    category_id: categoryId,
    brand,
    images: images && sql.json(images),
    attributes: attributes && sql.json(attributes),
    metadata: metadata && sql.json(metadata as JSONValue),
    price_amount: price?.amount,
    price_currency: price?.currency,
    cost_amount: costPrice === null ? null : costPrice?.amount,
    cost_currency: costPrice === null ? null : costPrice?.currency,
    tax_class: taxClass,
    weight,
    active,
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as {
    [C in keyof typeof columns]?: Exclude<(typeof columns)[C], undefined>;
  };
}

/** The part of a statement that writes the event of the product in the query `changed`, if there is one. */
const announced = (
  sql: Sql | TransactionSql,
  definition: typeof productCreated | typeof productUpdated,
  { clock, requestId }: { clock: Clock; requestId: string | undefined },
): Fragment => sql`
    announced as (
      ${insertEvents(
        sql,
        [
          {
            id: newId('event', clock),
            definition,
            subject: sql`changed.id`,
            aggregateId: sql`changed.id`,
            sequence: sql`changed.version`,
            occurrence: sql`changed.version`,
            correlationId: sql`${requestId ?? null}::text`,
            data: eventData(sql, definition, {
              productId: sql`changed.id`,
              sku: sql`changed.sku`,
              name: sql`changed.name`,
              price: sql`jsonb_build_object('amount', changed.price_amount, 'currency', changed.price_currency)`,
              active: sql`changed.active`,
            }),
            from: sql`changed`,
          },
        ],
        new Date(clock.now()),
      )}
    )`;

/** What the client did wrong, if a constraint says so; the error itself if not. */
function explain(error: unknown, { sku, categoryId }: ProductChanges): unknown {
  if (!(error instanceof Error && 'constraint_name' in error)) return error;
  if (error.constraint_name === 'products_sku_key') return skuTaken(sku ?? '', error);
  if (error.constraint_name === 'products_category_id_fkey')
    return categoryUnknown('/categoryId', categoryId ?? '', error);
  return error;
}

const skuTaken = (sku: string, cause?: unknown): Problem =>
  new Problem('sku-taken', `Another product has the SKU ${sku}.`, {
    cause,
    errors: [{ pointer: '/sku', detail: 'is taken' }],
  });
