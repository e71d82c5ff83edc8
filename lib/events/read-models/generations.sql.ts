import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { Freshness } from '../../contract/api/order-details.ts';

export type Generation = { generation: number; position: number; live: boolean };

/** The generations of a read model, the live one first. */
export const listGenerations = (sql: Sql | TransactionSql, model: string): Promise<Generation[]> =>
  sql<Generation[]>`
    select generation, position, live from read_models.generations where model = ${model} order by live desc, generation`;

/** Locks a generation until the transaction ends. @returns its position; undefined when it is gone */
export async function lockGeneration(
  tx: TransactionSql,
  model: string,
  generation: number,
): Promise<number | undefined> {
  const [row] = await tx<{ position: number }[]>`
    select position from read_models.generations where model = ${model} and generation = ${generation} for update`;
  return row?.position;
}

export async function moveTo(tx: TransactionSql, model: string, generation: number, position: number): Promise<void> {
  await tx`
    update read_models.generations set position = ${position} where model = ${model} and generation = ${generation}`;
}

/** Adds an empty generation beside the live one, unless there is one already. @returns whether it did */
export async function openGeneration(sql: Sql, model: string): Promise<boolean> {
  const rows = await sql`
    insert into read_models.generations (model, generation, live)
    select model, max(generation) + 1, false from read_models.generations where model = ${model} group by model
    on conflict do nothing
    returning generation`;
  return rows.length > 0;
}

/** Makes the generation that is built the live one, if it is not behind it. What the old one held is left to be deleted. */
export async function replaceLive(tx: TransactionSql, model: string): Promise<void> {
  const rows = await tx<Generation[]>`
    select generation, position, live from read_models.generations where model = ${model} order by generation for update`;
  const live = rows.find((row) => row.live);
  const next = rows.find((row) => !row.live);
  if (live === undefined || next === undefined || next.position < live.position) return;
  await tx`delete from read_models.generations where model = ${model} and generation = ${live.generation}`;
  await tx`update read_models.generations set live = true where model = ${model} and generation = ${next.generation}`;
}

/** The query `live`: the live generation of a read model, and when the first event happened that it lacks. */
export const liveGeneration = (sql: Sql, model: string): Fragment => sql`
  live as materialized (
    select g.generation, g.position, least(
      (select e.occurred_at from outbox.events e where e.position > g.position order by e.position limit 1),
      (select e.occurred_at from outbox.events e where e.position is null order by e.id limit 1)
    ) as lacks
    from read_models.generations g
    where g.model = ${model} and g.live
  )`;

/** How old a read model is at a time. */
export function freshnessOf({ position, lacks }: { position: number; lacks: Date | null }, now: number): Freshness {
  // A clock that is behind another one must not make the future.
  const asOf = Math.min(lacks?.getTime() ?? now, now);
  return { asOf: new Date(asOf).toISOString(), lagSeconds: Math.round((now - asOf) / 1000), position };
}

/** Age in seconds of the first event that the live generation lacks; 0 when it has all. */
export async function readLag(sql: Sql, model: string, now: number): Promise<number> {
  const [row] = await sql<[{ position: number; lacks: Date | null }]>`
    with ${liveGeneration(sql, model)} select position, lacks from live`;
  return freshnessOf(row, now).lagSeconds;
}
