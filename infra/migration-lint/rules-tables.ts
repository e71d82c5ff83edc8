import { commandsOf } from './rules-objects.ts';
import type { Check, Schema } from './schema.ts';
import { findAll, type Node, relationName, type Statement } from './statements.ts';

/** What locks a table while it works through every row, or refuses what the running release writes. */
export const tableRules: Readonly<Record<string, Check>> = {
  'column-type': ({ kind, node }, schema) =>
    inUse(kind, node, schema, 'AT_AlterColumnType').map(
      ({ name }) => `changes the type of ${relationName(node.relation)}.${name}`,
    ),
  'required-column': ({ kind, node }, schema) => [
    ...inUse(kind, node, schema, 'AT_AddColumn')
      .map(({ def }) => def.ColumnDef)
      .filter((column) => has(column, 'CONSTR_NOTNULL', 'CONSTR_PRIMARY') && !has(column, ...filled))
      .map(({ colname }) => `adds ${relationName(node.relation)}.${colname}, not null and without a default`),
    ...inUse(kind, node, schema, 'AT_ColumnDefault')
      .filter(({ def }) => def === undefined)
      .map(({ name }) => `drops the default of ${relationName(node.relation)}.${name}`),
  ],
  'set-not-null': ({ kind, node }, schema) =>
    inUse(kind, node, schema, 'AT_SetNotNull')
      .filter(({ name }) => !schema.provenNotNull(relationName(node.relation), name))
      .map(({ name }) => `sets ${relationName(node.relation)}.${name} not null without a validated check`),
  'rewriting-default': ({ kind, node }, schema) =>
    inUse(kind, node, schema, 'AT_AddColumn')
      .map(({ def }) => def.ColumnDef)
      .filter((column) => has(column, 'CONSTR_IDENTITY', 'CONSTR_GENERATED') || isSerial(column) || callsOf(column))
      .map(({ colname }) => `adds ${relationName(node.relation)}.${colname}, which computes a value for every row`),
  'unvalidated-constraint': ({ kind, node }, schema) =>
    [...constraintsAdded(kind, node, schema), ...inlineReferences(kind, node, schema)]
      .filter(({ contype }) => ['CONSTR_FOREIGN', 'CONSTR_CHECK'].includes(contype))
      .filter(({ skip_validation }) => skip_validation !== true)
      .map(({ contype, conname }) => {
        const what = contype === 'CONSTR_FOREIGN' ? 'a foreign key' : 'a check';
        return `adds ${what}${conname === undefined ? '' : ` ${conname}`} to ${relationName(node.relation)} without "not valid"`;
      }),
  'validated-at-once': ({ kind, node }, schema) => {
    const added = new Set(constraintsAdded(kind, node, schema).map(({ conname }) => conname));
    return commandsOf(kind, node, 'AT_ValidateConstraint')
      .filter(({ name }) => added.has(name))
      .map(({ name }) => `validates ${name} in the statement that adds it`);
  },
  'unique-constraint': ({ kind, node }, schema) =>
    constraintsAdded(kind, node, schema)
      .filter(({ contype }) => ['CONSTR_UNIQUE', 'CONSTR_PRIMARY', 'CONSTR_EXCLUSION'].includes(contype))
      .filter(({ indexname }) => indexname === undefined)
      .map(() => `builds a unique index on ${relationName(node.relation)} under a lock: use "using index"`),
  'blocking-index': ({ kind, node }, schema) =>
    kind === 'IndexStmt' && node.concurrent !== true && schema.inUse(relationName(node.relation))
      ? [`builds index ${node.idxname ?? 'without a name'} on ${relationName(node.relation)} without concurrently`]
      : [],
  'table-lock': ({ kind, node }, schema) => {
    if (kind === 'LockStmt') return tables(node.relations, schema).map((name) => `locks ${name}`);
    if (kind === 'VacuumStmt' && findAll(node.options, 'DefElem').some(({ defname }) => defname === 'full'))
      return ['rewrites tables with vacuum full'];
    if (kind === 'ClusterStmt' || kind === 'RepackStmt') return ['rewrites a table in the order of an index'];
    if (kind === 'ReindexStmt') return ['builds an index anew under a lock'];
    return inUse(kind, node, schema, ...rewriting).map(() => `rewrites ${relationName(node.relation)}`);
  },
};

const rewriting = ['AT_SetTableSpace', 'AT_SetAccessMethod', 'AT_SetLogged', 'AT_SetUnLogged'];
const filled = ['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'];

/** The commands of an `alter table` on a table that the running release may use. */
const inUse = (kind: string, node: Node, schema: Schema, ...subtypes: string[]): Node[] =>
  commandsOf(kind, node, ...subtypes).filter(({ name }) => {
    const table = relationName(node.relation);
    return schema.inUse(name === undefined ? table : `${table}.${name}`);
  });

const has = (column: Node, ...kinds: string[]): boolean =>
  (column.constraints ?? []).some(({ Constraint: { contype } }: Node) => kinds.includes(contype));

const isSerial = (column: Node): boolean => /serial/.test(column.typeName.names.at(-1)?.String?.sval ?? '');

/** Stable functions run once, all others once a row. */
const stable = new Set(['now', 'transaction_timestamp', 'statement_timestamp', 'current_setting', 'session_user']);

const callsOf = (column: Node): boolean =>
  (column.constraints ?? [])
    .filter(({ Constraint: { contype } }: Node) => contype === 'CONSTR_DEFAULT')
    .flatMap((each: Node) => findAll(each, 'FuncCall'))
    .some(({ funcname }: Node) => !stable.has(funcname.at(-1).String.sval));

const constraintsAdded = (kind: string, node: Node, schema: Schema): Node[] =>
  inUse(kind, node, schema, 'AT_AddConstraint').map(({ def }) => def.Constraint);

/** `add column … references …` and `add column … check …`. A nullable column without a default has nothing to check. */
const inlineReferences = (kind: string, node: Node, schema: Schema): Statement['node'][] =>
  inUse(kind, node, schema, 'AT_AddColumn')
    .map(({ def }) => def.ColumnDef)
    .filter((column) => has(column, 'CONSTR_DEFAULT'))
    .flatMap((column) => column.constraints.map((each: Node) => each.Constraint))
    .filter(({ contype }) => contype === 'CONSTR_FOREIGN');

const tables = (relations: Node[], schema: Schema): string[] =>
  relations.map(({ RangeVar: range }) => relationName(range)).filter(schema.inUse);
