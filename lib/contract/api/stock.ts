import * as z from 'zod/mini';
import { id, page, pageQuery, text, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

export const movementKinds = [
  'adjustment',
  'reservation',
  'release',
  'commitment',
  'return',
  'cancellation',
  'restock',
  'write_off',
] as const;

export const level = z.object({ onHand: z.int(), reserved: z.int(), available: z.int(), lowStockAt: z.int() });

export const movement = z.object({
  id: id('movement'),
  productId: id('product'),
  kind: z.enum(movementKinds),
  /** Change of the quantity on hand. */
  quantity: z.int(),
  /** Change of the reserved quantity. */
  reserved: z.int(),
  reason: z.string(),
  orderId: z.nullable(id('order')),
  createdAt: timestamp,
});
export type Movement = z.output<typeof movement>;
export type Level = z.output<typeof level>;

const productPath = z.strictObject({ productId: id('product') });

/** The most units of one product on hand. */
export const maxOnHand = 1_000_000_000;

export const listStockMovements = {
  summary: 'Read a product’s stock level and ledger, newest first',
  path: productPath,
  query: z.strictObject(pageQuery),
  responses: { 200: z.extend(page(movement), { level }) },
  problems: ['not-found', 'invalid-cursor'],
} as const satisfies OperationContract;

/** Units that come in (+) or go out (−). */
export const movementQuantity = z.int().check(
  z.gte(-1_000_000),
  z.lte(1_000_000),
  z.refine((n) => n !== 0, 'is zero'),
);

export const createStockMovement = {
  summary: 'Add stock (+) or remove stock (−), never below the reserved quantity',
  path: productPath,
  body: z.strictObject({
    quantity: movementQuantity,
    reason: text(200),
  }),
  responses: { 201: z.extend(movement, { level }) },
  headers: ['Location'],
  problems: ['not-found', 'product-has-options', 'stock-reserved'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const updateStockLevel = {
  summary: 'Set from how many available units on a product’s stock counts as low',
  description: 'The event `stock.low` says when that happens. 0 turns it off.',
  path: productPath,
  body: z.strictObject({ lowStockAt: z.int().check(z.gte(0), z.lte(maxOnHand)) }),
  responses: { 200: level },
  problems: ['not-found', 'product-has-options'],
} as const satisfies OperationContract;
