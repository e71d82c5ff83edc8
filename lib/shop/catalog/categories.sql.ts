import type { Sql, TransactionSql } from 'postgres';
import type * as z from 'zod/mini';
import type * as contract from '../../contract/api/categories.ts';
import { maxCategories } from '../../contract/api/categories.ts';
import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import { atVersion } from '../../database/version-condition.sql.ts';
import { violates } from '../../database/violates.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { inTreeOrder, type Paths, pathUnder } from './category-tree.ts';

export type NewCategory = z.output<typeof contract.createCategory.body>;
export type CategoryChanges = z.output<typeof contract.updateCategory.body>;

type CategoryRow = {
  id: string;
  parentId: string | null;
  slug: string;
  name: string;
  position: number;
  level: number;
  createdAt: Date;
  updatedAt: Date;
  version: number;
};

/** All categories, each followed by those below it. */
export async function listCategories(sql: Sql): Promise<contract.Category[]> {
  const rows = await sql<CategoryRow[]>`select ${columns(sql)} from catalog.categories`;
  return inTreeOrder(rows).map(toCategory);
}

/**
 * Adds a category.
 * @throws Problem category-unknown, category-too-deep, slug-taken, too-many-categories
 */
export async function insertCategory(
  tx: TransactionSql,
  { parentId = null, slug, name, position }: NewCategory,
  clock: Clock,
): Promise<contract.Category> {
  const now = new Date(clock.now());
  const id = newId('category', clock);
  const paths = await lockTree(tx);
  if (paths.size >= maxCategories) {
    throw new Problem('too-many-categories', `The shop has ${paths.size} categories. More are not possible.`);
  }
  const path = pathUnder(paths, id, parentId);
  const [row] = await tx<[CategoryRow]>`
    insert into catalog.categories (id, parent_id, path, slug, name, position, created_at, updated_at)
    values (${id}, ${parentId}, ${arrayOf(tx, path)}, ${slug}, ${name}, ${position}, ${now}, ${now})
    returning ${columns(tx)}`.catch(explain(slug));
  return toCategory(row);
}

/**
 * Changes the given fields. With another parent it moves the category and all below it. Only its own version goes up, by one.
 * @param condition changes the category only if its version meets it
 * @throws Problem not-found, category-unknown, category-cycle, category-too-deep, slug-taken, version-stale
 */
export const updateCategory = (
  sql: Sql,
  id: string,
  { parentId, slug, name, position }: CategoryChanges,
  condition: VersionCondition,
  clock: Clock,
): Promise<contract.Category> =>
  inTransaction(sql, async (tx) => {
    const paths = await lockTree(tx);
    const before = paths.get(id);
    if (before === undefined) throw new Problem('not-found', 'This category does not exist.');
    const path = parentId === undefined ? before : pathUnder(paths, id, parentId);
    const changes = {
      ...(parentId === undefined ? {} : { parent_id: parentId }),
      ...(slug === undefined ? {} : { slug }),
      ...(name === undefined ? {} : { name }),
      ...(position === undefined ? {} : { position }),
      updated_at: new Date(clock.now()),
    };
    const [row] = await tx<CategoryRow[]>`
      update catalog.categories set ${tx(changes)}, path = ${arrayOf(tx, path)}, version = version + 1
      where id = ${id} ${atVersion(tx, condition)}
      returning ${columns(tx)}`.catch(explain(slug ?? ''));
    if (row === undefined) {
      throw new Problem(
        'version-stale',
        'The category has changed since you read it. Read it again and repeat the change.',
      );
    }
    if (parentId !== undefined) {
      await tx`
        update catalog.categories set path = ${arrayOf(tx, path)} || path[${before.length + 1}::integer:]
        where ${id} = any (path) and id <> ${id}`;
    }
    return toCategory(row);
  });

/** Locks the tree's form until the transaction ends, so that two moves cannot make a circle, and returns it. */
async function lockTree(tx: TransactionSql): Promise<Paths> {
  await tx`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('catalog categories', 0))`;
  const rows = await tx<{ id: string; path: string }[]>`
    select id, array_to_string(path, ',') as path from catalog.categories`;
  return new Map(rows.map(({ id, path }) => [id, path.split(',')]));
}

const arrayOf = (sql: TransactionSql, ids: readonly string[]) => sql`string_to_array(${ids.join(',')}, ',')`;

const columns = (sql: Sql | TransactionSql) =>
  sql`id, parent_id, slug, name, position, cardinality(path) as level, created_at, updated_at, version`;

const toCategory = ({ createdAt, updatedAt, ...row }: CategoryRow): contract.Category => ({
  ...row,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

const explain = (slug: string) => (error: unknown) => {
  if (!violates(error, 'slug_once_among_siblings')) {
    throw error;
  }
  throw new Problem('slug-taken', `Another category with this parent has the slug ${slug}.`, {
    cause: error,
    errors: [{ pointer: '/slug', detail: 'is taken among the siblings' }],
  });
};
