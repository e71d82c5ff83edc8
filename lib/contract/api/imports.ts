import * as z from 'zod/mini';
import { productRow } from './catalog.ts';
import { id, text, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';
import { movementQuantity } from './stock.ts';

/** The most rows of an import. */
export const maxRows = 10_000;

/** How many errors an import keeps: the first. */
export const maxErrors = 1000;

/**
 * The largest file, in bytes. Lambda takes 6 MB with everything around the body; API Gateway sends what it does not know as text
 * in base64, which makes 4 bytes of 3.
 */
export const maxImportBytes = 4 * 1024 * 1024;

export const importKinds = ['products', 'stock-movements'] as const;
export type ImportKind = (typeof importKinds)[number];

/** The media types of files, and what the job calls them. */
export const importFormats = { 'application/x-ndjson': 'ndjson', 'text/csv': 'csv' } as const;
export type ImportFormat = (typeof importFormats)[keyof typeof importFormats];

export const importError = z.object({
  row: z.int(),
  code: z.string(),
  pointer: z.optional(z.string()),
  detail: z.string(),
});
export type ImportError = z.output<typeof importError>;

export const imported = z.object({
  id: id('import'),
  kind: z.enum(importKinds),
  status: z.enum(['pending', 'running', 'completed', 'rejected']),
  rows: z.object({ total: z.nullable(z.int()), applied: z.int(), failed: z.int() }),
  errors: z.array(importError),
  createdAt: timestamp,
  updatedAt: timestamp,
  endedAt: z.nullable(timestamp),
});
export type Import = z.output<typeof imported>;

export { productRow };
export type ProductImportRow = z.output<typeof productRow>;

/** A row of a file of stock movements. */
export const stockRow = z
  .strictObject({
    productId: z.optional(id('product')),
    sku: z.optional(z.string().check(z.minLength(1), z.maxLength(64))),
    quantity: movementQuantity,
    reason: text(200),
  })
  .check(
    z.refine(({ productId, sku }) => (productId === undefined) !== (sku === undefined), {
      path: ['productId'],
      error: 'is needed, or sku instead, and not both',
    }),
  );
export type StockImportRow = z.output<typeof stockRow>;

const file = { types: Object.keys(importFormats), maxBytes: maxImportBytes };
const how =
  'Send one JSON object a line (`application/x-ndjson`), or a table with a heading (`text/csv`): at most 10,000 rows and 4 MB. A job checks all rows first. If one is wrong, it changes nothing, and `GET /imports/{importId}` says which ones and why. Else it applies them one after the other.';

export const importProducts = {
  summary: 'Add and change many products from a file',
  description: `${how} A row whose SKU exists changes the fields that it has; any other adds a product, or a variant if it has a \`parentSku\`.`,
  raw: file,
  responses: { 202: imported },
  headers: ['Location'],
  idempotency: 'required',
} as const satisfies OperationContract;

export const importStockMovements = {
  summary: 'Add or remove the stock of many products from a file',
  description: `${how} Each row is one movement of the product that \`productId\` or \`sku\` names; a file names each product once.`,
  raw: file,
  responses: { 202: imported },
  headers: ['Location'],
  idempotency: 'required',
} as const satisfies OperationContract;

export const getImport = {
  summary: 'Read how far an import is, and what was wrong with its rows',
  description: 'An application sees its own imports, until 30 days after they ended.',
  path: z.strictObject({ importId: id('import') }),
  responses: { 200: imported },
  problems: ['not-found'],
} as const satisfies OperationContract;
