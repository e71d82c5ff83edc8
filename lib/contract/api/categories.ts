import * as z from 'zod/mini';
import { id, slug, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

/** How many levels the tree has, and how many categories. All of them are one answer. */
export const maxLevels = 5;
export const maxCategories = 1000;

export const category = z.object({
  id: id('category'),
  parentId: z.nullable(id('category')),
  slug: z.string(),
  name: z.string(),
  position: z.int(),
  level: z.int(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type Category = z.output<typeof category>;

const position = z.int().check(z.gte(0), z.lte(1_000_000));

export const listCategories = {
  summary: 'List all categories',
  description:
    'Lists the whole tree: each category is followed by those below it, and siblings come by `position`, then by name. There are at most 1,000. Shared caches may keep what a request with a `Client-Id` alone gets.',
  responses: { 200: z.object({ data: z.array(category) }) },
  etag: true,
  shareable: true,
} as const satisfies OperationContract;

export const createCategory = {
  summary: 'Add a category',
  body: z.strictObject({
    parentId: z.optional(z.nullable(id('category'))),
    slug,
    name: text(100),
    position: z._default(position, 0),
  }),
  responses: { 201: category },
  headers: ['ETag'],
  problems: ['category-unknown', 'category-too-deep', 'slug-taken', 'too-many-categories'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const updateCategory = {
  summary: 'Change a category, or move it with all below it',
  path: z.strictObject({ categoryId: id('category') }),
  body: z
    .strictObject({
      parentId: z.optional(z.nullable(id('category'))),
      slug: z.optional(slug),
      name: z.optional(text(100)),
      position: z.optional(position),
    })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: category },
  headers: ['ETag'],
  problems: ['not-found', 'category-unknown', 'category-cycle', 'category-too-deep', 'slug-taken', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;
