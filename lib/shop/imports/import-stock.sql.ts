import type { Sql, TransactionSql } from 'postgres';
import { type ImportError, type StockImportRow, stockRow } from '../../contract/api/imports.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Change } from '../catalog/rows.sql.ts';
import { adjustStock } from '../stock/ledger.sql.ts';
import { type Plan, repeated } from './plan.ts';
import type { Row } from './read-file.ts';

type Known = { id: string; sku: string; hasOptions: boolean; onHand: number; reserved: number };

/** How a file of stock movements is checked and applied. */
export const stockMovements: Plan<typeof stockRow> = {
  schema: stockRow,
  check: async (sql, rows) => {
    const known = await readKnown(sql, rows);
    const byName = new Map(
      known.flatMap((product) => [[product.id, product] as const, [product.sku, product] as const]),
    );
    const found = (value: StockImportRow) => byName.get(nameOf(value));
    return [
      ...repeated(rows, (value) => found(value)?.sku, '/sku'),
      ...rows.flatMap(({ row, value }) => checkRow(row, value, found(value))),
    ];
  },
  apply: async (tx, value, { clock }: Change) => {
    const [product] = await find(tx, value);
    if (product === undefined) throw new Problem('not-found', `There is no product ${nameOf(value)}.`);
    await adjustStock(tx, product.id, value, clock);
  },
  // Lists show what can be ordered as it was ten seconds ago at most.
  concerned: async () => [],
};

const nameOf = ({ productId, sku }: StockImportRow): string => productId ?? sku ?? '';

function checkRow(row: number, value: StockImportRow, product: Known | undefined): ImportError[] {
  const pointer = value.productId === undefined ? '/sku' : '/productId';
  if (product === undefined) {
    return [{ row, code: 'not-found', pointer, detail: `There is no product ${nameOf(value)}.` }];
  }
  if (product.hasOptions) {
    const detail = `${product.sku} has options. The stock is that of its variants.`;
    return [{ row, code: 'product-has-options', pointer, detail }];
  }
  if (product.onHand + value.quantity >= product.reserved) return [];
  const detail = `${product.onHand} on hand, ${product.reserved} of them reserved: a movement of ${value.quantity} is not possible.`;
  return [{ row, code: 'stock-reserved', pointer: '/quantity', detail }];
}

const find = (tx: TransactionSql, { productId, sku }: StockImportRow) => tx<{ id: string }[]>`
  select id from catalog.products where id = ${productId ?? null} or sku = ${sku ?? null}`;

const readKnown = (sql: Sql, rows: readonly Row<StockImportRow>[]) => {
  const names = JSON.stringify([...new Set(rows.map(({ value }) => nameOf(value)))]);
  return sql<Known[]>`
    with names as materialized (select jsonb_array_elements_text(${names}::text::jsonb) collate "C" as name),
    found as (
      select product.id, product.sku, product.options from names join catalog.products product on product.id = names.name
      union select product.id, product.sku, product.options from names join catalog.products product on product.sku = names.name
    )
    select found.id, found.sku, found.options is not null as has_options, coalesce(level.on_hand, 0) as on_hand,
      coalesce(level.reserved, 0) as reserved
    from found left join stock.levels level on level.product_id = found.id`;
};
