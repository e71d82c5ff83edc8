import type { Fragment, Sql } from 'postgres';

/** The words of a search: letters, their marks, and digits. The syntax of queries is not among them. */
export const wordsOf = (q: string): string[] => [...new Set(q.normalize('NFKC').match(/[\p{L}\p{M}\p{N}]+/gu))];

/**
 * Matches what has all the words, in any of their forms; the last may be the beginning of a word, as somebody types it.
 * Words that say nothing, as `the`, do not count.
 */
export function asQuery(sql: Sql, words: readonly string[]): Fragment {
  const all = words.join(' & ');
  const typed = words.at(-1);
  if (typed === undefined) return sql`''::tsquery`;
  return sql`(
    case when numnode(to_tsquery('pg_catalog.english', ${all})) = 0 then ''::tsquery
    else to_tsquery('pg_catalog.english', ${all})
      || (to_tsquery('pg_catalog.english', ${words.slice(0, -1).join(' & ')}) && to_tsquery('pg_catalog.simple', ${`${typed}:*`}))
    end
  )`;
}

/** Whether there are words that say something. */
export async function hasWords(sql: Sql, words: readonly string[]): Promise<boolean> {
  const [row] = await sql<[{ found: boolean }]>`
    select numnode(to_tsquery('pg_catalog.english', ${words.join(' & ')})) > 0 as found`;
  return row.found;
}
