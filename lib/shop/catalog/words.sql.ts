import type { Fragment, Sql } from 'postgres';

/** The words of a search: letters, their marks, and digits. The syntax of queries is not among them. */
export const wordsOf = (q: string): string[] => [...new Set(q.normalize('NFKC').match(/[\p{L}\p{M}\p{N}]+/gu))];

/**
 * What a search looks for: all the words, in any of their forms; the last may be the beginning of a word, as somebody types it.
 * Words that say nothing, as `the`, do not count.
 * @param beginnings of `any` word, which takes long to gather; or of `some`: those that `catalog.beginnings` has, which descriptions
 * are not among
 */
export function asQuery(sql: Sql, words: readonly string[], beginnings: 'any' | 'some'): Fragment {
  const typed = words.at(-1);
  if (typed === undefined) return sql`null::tsquery`;
  const stem = sql`to_tsquery('pg_catalog.english', ${typed})`;
  const last =
    beginnings === 'any'
      ? sql`${stem} || to_tsquery('pg_catalog.simple', ${`${typed}:*`})`
      : sql`${stem} || catalog.begins_with(${typed})`;
  if (words.length === 1) return sql`case when numnode(${stem}) > 0 then ${last} end`;
  const others = sql`to_tsquery('pg_catalog.english', ${words.slice(0, -1).join(' & ')})`;
  return sql`case when numnode(${stem}) > 0 then ${others} && (${last}) else ${others} end`;
}

/**
 * The words, with the most similar known one in place of each that no product has, as after a typing error; undefined when
 * that changes nothing. Short words and numbers are as they are.
 */
export async function corrected(sql: Sql, words: readonly string[]): Promise<string[] | undefined> {
  const rows = await sql<{ asked: string; known: string | null }[]>`
    select asked, (
      select word from catalog.words where word operator(catalog.%) asked
      order by word = lower(asked) desc, catalog.similarity(word, asked) desc, word limit 1
    ) as known
    from unnest(string_to_array(${words.slice(0, mostCorrected).join(' ')}, ' ')) with ordinality a (asked, place)
    where length(asked) >= 4 and asked !~ '[0-9]'
    order by place`;
  const meant = new Map(rows.flatMap(({ asked, known }) => (known === null ? [] : [[asked, known]])));
  const all = words.map((word) => meant.get(word) ?? word);
  return all.some((word, n) => word !== words[n]?.toLowerCase()) ? all : undefined;
}

/** How many words of a search are corrected at most. */
const mostCorrected = 5;

/** Whether there are words that say something. */
export async function hasWords(sql: Sql, words: readonly string[]): Promise<boolean> {
  const [row] = await sql<[{ found: boolean }]>`
    select numnode(to_tsquery('pg_catalog.english', ${words.join(' & ')})) > 0 as found`;
  return row.found;
}
