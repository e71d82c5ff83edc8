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
import { columns, type ProductRow } from './products.sql.ts';

/*
 * Rows of the catalogue as they are written: each with the event of it, in one statement. Which rows may be written is
 * decided by their callers.
 */

export type ProductChanges = z.output<typeof contract.updateProduct.body>;

/** What each change of the catalogue is made with: the time, and the API request, which is the correlation id of its events. */
export type Change = { clock: Clock; requestId?: string | undefined };

/** What a new row has besides the fields that a client gives. */
type Inherited = { parent_id?: string; category_id?: string | null; brand?: string | null; tax_class?: string };

/**
 * Adds a row, and its event.
 * @throws Problem sku-taken, category-unknown, variant-exists
 */
export async function insertRow(
  sql: Sql | TransactionSql,
  fields: ProductChanges & { sku: string },
  inherited: Inherited,
  change: Change,
): Promise<ProductRow> {
  const now = new Date(change.clock.now());
  const values = {
    id: newId('product', change.clock),
    ...columnsOf(sql, fields),
    ...inherited,
    created_at: now,
    updated_at: now,
  };
  const [row] = await sql<ProductRow[]>`
    with changed as (
      insert into catalog.products ${sql(values)}
      on conflict (sku) do nothing
      returning ${columns(sql, { costs: true })}
    ),
    ${announced(sql, productCreated, change)}
    select ${columns(sql, { costs: true })} from changed`.catch((error) => {
    throw explain(error, fields);
  });
  if (row === undefined) throw skuTaken(fields.sku);
  return row;
}

/** Which row a change is for. */
type Which = {
  id: string;
  /** Changes the row only if its version meets this. */
  condition?: VersionCondition;
  /** What else must be true of the row, as `and …`. */
  where?: Fragment;
};

/**
 * Changes the given fields, and writes the event of it. The version goes up by one each time, even if no value is different.
 * @param set more columns to set, as `, column = …`
 * @returns the row; undefined when there is none to change
 * @throws Problem sku-taken, category-unknown, variant-exists
 */
export async function updateRow(
  sql: Sql | TransactionSql,
  { id, condition = {}, where = sql`` }: Which,
  fields: ProductChanges,
  change: Change,
  set: Fragment = sql``,
): Promise<ProductRow | undefined> {
  const values = { ...columnsOf(sql, fields), updated_at: new Date(change.clock.now()) };
  const [row] = await sql<ProductRow[]>`
    with changed as (
      update catalog.products set ${sql(values)}, version = version + 1 ${set}
      where id = ${id} ${where} ${atVersion(sql, condition)}
      returning ${columns(sql, { costs: true })}
    ),
    ${announced(sql, productUpdated, change)}
    select ${columns(sql, { costs: true })} from changed`.catch((error) => {
    throw explain(error, fields);
  });
  return row;
}

/** The columns of the fields that are given. */
function columnsOf(sql: Sql | TransactionSql, fields: ProductChanges) {
  const { categoryId, images, attributes, metadata, options, optionValues, price, costPrice, taxClass, ...same } =
    fields;
  const columns = {
    ...same,
    category_id: categoryId,
    images: images && sql.json(images),
    attributes: attributes && sql.json(attributes),
    metadata: metadata && sql.json(metadata as JSONValue),
    options: options && sql.json(options),
    option_values: optionValues && sql.json(optionValues),
    price_amount: price?.amount,
    price_currency: price?.currency,
    cost_amount: costPrice === null ? null : costPrice?.amount,
    cost_currency: costPrice === null ? null : costPrice?.currency,
    tax_class: taxClass,
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as {
    [C in keyof typeof columns]?: Exclude<(typeof columns)[C], undefined>;
  };
}

/** The part of a statement that writes the event of the product in the query `changed`, if there is one. */
const announced = (
  sql: Sql | TransactionSql,
  definition: typeof productCreated | typeof productUpdated,
  { clock, requestId }: Change,
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
              parentId: sql`changed.parent_id`,
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
  if (error.constraint_name === 'variant_once') {
    return new Problem('variant-exists', 'Another variant of the product has these values.', {
      cause: error,
      errors: [{ pointer: '/optionValues', detail: 'are those of another variant' }],
    });
  }
  return error;
}

const skuTaken = (sku: string, cause?: unknown): Problem =>
  new Problem('sku-taken', `Another product has the SKU ${sku}.`, {
    cause,
    errors: [{ pointer: '/sku', detail: 'is taken' }],
  });
