import type postgres from 'postgres';
import { testsOf } from './cover.ts';
import { brief, distinct, edit, type TrialMutant } from './mutant.ts';
import { sqlEdits } from './sql-edits.ts';
import { tokenize } from './sql-tokens.ts';

type Guard = { schema: string; change: string; statements: string[] };

const schemas = ['stock', 'orders', 'payments', 'outbox', 'kernel', 'audit'];

/**
 * Each guard that the migrated database itself has, taken out: triggers, constraints, unique indexes, conditions of
 * functions, triggers and views. Read from its catalogue, so that only what the newest migration left counts.
 */
export async function databaseMutants(sql: postgres.Sql): Promise<TrialMutant[]> {
  const guards = [
    ...(await triggers(sql)),
    ...(await constraints(sql)),
    ...(await indexes(sql)),
    ...(await functions(sql)),
    ...(await views(sql)),
  ];
  const mutants = guards.map(
    ({ schema, change, statements }): TrialMutant => ({
      part: 'database',
      folder: 'lib/database/migrations',
      file: 'lib/database/migrations',
      line: 0,
      change: `${schema}: ${change}`,
      apply: { statements },
      tests: testsOf(`database:${schema}`),
    }),
  );
  return distinct(mutants);
}

async function triggers(sql: postgres.Sql): Promise<Guard[]> {
  const rows = await sql`
    select n.nspname as schema, t.tgname as name, t.tgrelid::regclass::text as relation,
      pg_get_triggerdef(t.oid) as definition
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal and n.nspname = any (${schemas})
    order by 1, 2`;
  return rows.flatMap(({ schema, name, relation, definition }): Guard[] => {
    const drop = `drop trigger ${name} on ${relation}`;
    const condition = /\bWHEN \((.*)\) EXECUTE FUNCTION/.exec(definition as string);
    const guards = [{ schema, change: `trigger ${name} dropped`, statements: [drop] }];
    if (condition === null) return guards;
    const start = condition.index + 'WHEN '.length;
    // As a condition of a statement it can be taken apart like any other.
    const text = `where ${condition[1]}`;
    const altered = sqlEdits(text, tokenize(text)).map((each) => ({
      change: `trigger ${name} when ${brief(text.slice(each.start, each.end))} → ${brief(each.text) || 'nothing'}`,
      definition: edit(definition, {
        start: start + 1,
        end: start + 1 + condition[1]!.length,
        text: edit(text, each).slice('where '.length),
      }),
    }));
    return [...guards, ...altered.map((a) => ({ schema, change: a.change, statements: [drop, a.definition] }))];
  });
}

async function constraints(sql: postgres.Sql): Promise<Guard[]> {
  const rows = await sql`
    select n.nspname as schema, c.conname as name, c.contype as type, c.conrelid::regclass::text as relation,
      d.typname as domain, pg_get_constraintdef(c.oid) as definition
    from pg_constraint c
    join pg_namespace n on n.oid = c.connamespace
    left join pg_type d on d.oid = c.contypid
    where n.nspname = any (${schemas}) and c.contype in ('c', 'u', 'p', 'f', 'x')
    order by 1, 4, 2`;
  return rows.map(({ schema, name, type, relation, domain, definition }): Guard => {
    const of = domain === null ? `table ${relation}` : `domain ${schema}.${domain}`;
    return {
      schema,
      change: `${brief(`${of.split('.').at(-1)} ${name} ${definition}`)} dropped`,
      statements: [`alter ${of} drop constraint "${name}"${['p', 'u'].includes(type) ? ' cascade' : ''}`],
    };
  });
}

/** Unique ones that are no constraint. */
async function indexes(sql: postgres.Sql): Promise<Guard[]> {
  const rows = await sql`
    select n.nspname as schema, c.relname as name
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
    where i.indisunique and n.nspname = any (${schemas})
      and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
    order by 1, 2`;
  return rows.map(({ schema, name }) => ({
    schema,
    change: `unique index ${name} dropped`,
    statements: [`drop index ${schema}.${name}`],
  }));
}

async function functions(sql: postgres.Sql): Promise<Guard[]> {
  const rows = await sql`
    select n.nspname as schema, p.proname as name, pg_get_functiondef(p.oid) as definition
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = any (${schemas})
    order by 1, 2`;
  return rows.flatMap(({ schema, name, definition }) => within(schema, `${name}()`, definition));
}

async function views(sql: postgres.Sql): Promise<Guard[]> {
  const rows = await sql`
    select schemaname as schema, viewname as name, definition from pg_views
    where schemaname = any (${schemas})
    order by 1, 2`;
  return rows.flatMap(({ schema, name, definition }) =>
    within(schema, `view ${name}`, `create or replace view ${schema}.${name} as ${definition}`),
  );
}

function within(schema: string, label: string, definition: string): Guard[] {
  const body = Math.max(0, definition.indexOf('AS $'));
  return sqlEdits(definition, tokenize(definition, body)).map((change) => ({
    schema,
    change: `${label}: ${brief(definition.slice(change.start, change.end))} → ${brief(change.text) || 'nothing'}`,
    statements: [edit(definition, change)],
  }));
}
