import type { Notice, Sql } from 'postgres';
import type { TestDatabase } from './postgres.ts';

/** One node of a plan as PostgreSQL's JSON format gives it, with what it did. */
type Node = {
  'Node Type': string;
  Schema?: string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Node[];
};

/** A statement that ran, with its plan: one that was sent, or one of a trigger or a foreign key behind it. */
export type Plan = { query: string; plan: Node };

/** `generic` plans without looking at the parameters, `custom` for these very ones (as an unnamed statement does). */
export type Mode = 'custom' | 'generic';

type Connect = (user: string, options: Record<string, unknown>) => unknown;

/**
 * Makes PostgreSQL report the plan of each statement that it runs in a database from now on, triggers included
 * (its module auto_explain, loaded into every session).
 */
export async function tellPlans(database: TestDatabase): Promise<void> {
  const admin = database.connect('rdsadmin', { max: 1 });
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_verbose': 'on',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
  };
  await admin.unsafe("load 'auto_explain'");
  for (const [name, value] of Object.entries(settings)) {
    await admin.unsafe(`alter database ${database.name} set ${name} = '${value}'`);
  }
  await admin.end();
}

/** The plans of everything that `work` runs as a role. */
export async function plansOf(
  database: TestDatabase,
  { role, mode, options = {} }: { role: string; mode: Mode; options?: Record<string, unknown> },
  work: (sql: Sql) => Promise<unknown>,
): Promise<Plan[]> {
  const plans: Plan[] = [];
  const onnotice = ({ message }: Notice) => {
    const json = message?.match(/^duration: .*plan:\n([\s\S]*)$/)?.[1];
    if (json === undefined) return;
    const { 'Query Text': query, Plan: plan } = JSON.parse(json) as { 'Query Text': string; Plan: Node };
    plans.push({ query, plan });
  };
  // Telling plans takes longer than a role may have for its statements.
  const connection = {
    plan_cache_mode: mode === 'generic' ? 'force_generic_plan' : 'force_custom_plan',
    statement_timeout: '60s',
  };
  const sql = (database.connect as Connect)(role, { ...options, max: 1, onnotice, connection }) as Sql;
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
  return plans;
}

/** Tables with more rows than `rows`, as the last ANALYZE counted them, as `schema.name`. */
export async function tablesAbove(sql: Sql, rows: number): Promise<Set<string>> {
  const tables = await sql`
    select relnamespace::regnamespace || '.' || relname as name from pg_class where relkind = 'r' and reltuples > ${rows} and relnamespace <> 'pg_catalog'::regnamespace`;
  return new Set(tables.map(({ name }) => name as string));
}

/**
 * The problems of plans: a big table that is read whole, or of which a scan reads more than `atMost` rows, through any
 * index.
 */
export function complaints(plans: readonly Plan[], big: ReadonlySet<string>, atMost: number): string[] {
  return plans.flatMap(({ query, plan }) =>
    scansIn(plan).flatMap((scan) => {
      const table = `${scan.Schema}.${scan['Relation Name']}`;
      if (!big.has(table)) return [];
      const by = `${scan['Node Type']} ${scan['Index Name'] ?? ''}`.trim();
      const where = `${by} on ${table} in: ${query.replace(/\s+/g, ' ').trim()}`;
      if (scan['Node Type'] === 'Seq Scan') return [where];
      const each =
        scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0) + (scan['Rows Removed by Index Recheck'] ?? 0);
      const touched = Math.round(each * scan['Actual Loops']);
      return touched > atMost ? [`${touched} rows by ${where}`] : [];
    }),
  );
}

/** Every table that the plans read by a scan. */
export const tablesIn = (plans: readonly Plan[]): Set<string> =>
  new Set(plans.flatMap(({ plan }) => scansIn(plan)).map((scan) => `${scan.Schema}.${scan['Relation Name']}`));

const scansIn = (node: Node): Node[] => [
  ...(node['Relation Name'] !== undefined && /Scan$/.test(node['Node Type']) ? [node] : []),
  ...(node.Plans ?? []).flatMap(scansIn),
];
