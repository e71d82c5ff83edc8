import type { Sql } from 'postgres';

export type RestoreTest = { testedAt: Date; ok: boolean; detail: string };

/** Keeps what became of a test that restored a backup. */
export async function keepRestoreTest(sql: Sql, { testedAt, ok, detail }: RestoreTest): Promise<void> {
  await sql`
    insert into monitor.restore_tests (tested_at, ok, detail)
    values (${testedAt}, ${ok}, ${detail})
    on conflict (tested_at) do nothing`;
}

/** The age of the last restored backup that was sound, in whole seconds; of the stage while there is none. */
export async function readRestoreTestAge(sql: Sql, now: Date): Promise<number> {
  const [row] = await sql`
    select greatest(0, extract(epoch from ${now}::timestamptz - max(tested_at)))::integer as age
    from monitor.restore_tests
    where ok`;
  return row!.age;
}
