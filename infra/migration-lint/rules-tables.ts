import { commandsOf } from './rules-objects.ts';
import type { Check, Schema } from './schema.ts';
import { findAll, listName, type Node, relationName, settingsIn } from './statements.ts';

/** What locks a table while it works through every row, or refuses what the running release writes. */
export const tableRules: Readonly<Record<string, Check>> = {
  'column-type': ({ kind, node }, schema) => [
    ...inUse(kind, node, schema, 'AT_AlterColumnType').map(
      ({ name }) => `changes the type of ${relationName(node.relation)}.${name}`,
    ),
    ...inUse(kind, node, schema, 'AT_AddIdentity', 'AT_SetIdentity')
      .filter(({ def }) => isAlways(def))
      .map(({ name }) => `takes no more values for ${relationName(node.relation)}.${name}`),
  ],
  'required-column': ({ kind, node }, schema) => [
    ...columnsAdded(kind, node, schema)
      .filter((column) => has(column, 'CONSTR_NOTNULL', 'CONSTR_PRIMARY') && !has(column, ...filled))
      .map(({ colname }) => `adds ${relationName(node.relation)}.${colname}, not null and without a default`),
    ...inUse(kind, node, schema, 'AT_ColumnDefault', 'AT_DropIdentity', 'AT_DropExpression')
      .filter(({ def }) => def === undefined || def.A_Const?.isnull === true)
      .map(({ name }) => `drops the default of ${relationName(node.relation)}.${name}`),
    ...(kind === 'AlterDomainStmt' && node.subtype === 'T' && node.def === undefined
      ? used([node], schema).map((name) => `drops the default of columns of type ${name}`)
      : []),
  ],
  'set-not-null': ({ kind, node }, schema) => {
    const table = relationName(node.relation);
    const added = constraintsAdded(kind, node, schema).filter(
      ({ contype, skip_validation }) => contype === 'CONSTR_NOTNULL' && skip_validation !== true,
    );
    const columns = [
      ...inUse(kind, node, schema, 'AT_SetNotNull'),
      ...added.map(({ keys }) => ({ name: keys[0].String.sval })),
    ];
    return [
      ...columns
        .filter(({ name }) => !schema.provenNotNull(table, name))
        .map(({ name }) => `sets ${table}.${name} not null without a validated check`),
      ...(kind === 'AlterDomainStmt' && node.subtype === 'O'
        ? used([node], schema).map((name) => `sets every column of type ${name} not null`)
        : []),
    ];
  },
  'rewriting-default': ({ kind, node }, schema) => [
    ...columnsAdded(kind, node, schema)
      .filter(
        (column) =>
          has(column, 'CONSTR_IDENTITY') ||
          isStored(column) ||
          isSerial(column) ||
          callsOf(column) ||
          schema.isChecked(listName(column.typeName.names)),
      )
      .map(({ colname }) => `adds ${relationName(node.relation)}.${colname}, which computes a value for every row`),
    ...inUse(kind, node, schema, 'AT_SetExpression').map(
      ({ name }) => `computes ${relationName(node.relation)}.${name} anew for every row`,
    ),
  ],
  'unvalidated-constraint': ({ kind, node }, schema) => [
    ...[...constraintsAdded(kind, node, schema), ...inlineConstraints(kind, node, schema)]
      .filter(({ contype }) => ['CONSTR_FOREIGN', 'CONSTR_CHECK'].includes(contype))
      .filter(({ skip_validation }) => skip_validation !== true)
      .map(({ contype, conname }) => {
        const what = contype === 'CONSTR_FOREIGN' ? 'a foreign key' : 'a check';
        return `adds ${what}${conname === undefined ? '' : ` ${conname}`} to ${relationName(node.relation)} without "not valid"`;
      }),
    ...inUse(kind, node, schema, 'AT_AlterConstraint')
      .filter(({ def }) => def.ATAlterConstraint.is_enforced === true)
      .map(({ def }) => `enforces ${def.ATAlterConstraint.conname} of ${relationName(node.relation)} for every row`),
    ...(kind === 'AlterDomainStmt' && node.def?.Constraint !== undefined && node.def.Constraint.skip_validation !== true
      ? used([node], schema).map((name) => `adds a check to ${name} without "not valid"`)
      : []),
  ],
  'validated-at-once': ({ kind, node }, schema) => {
    const table = relationName(node.relation);
    const isLocked = schema.lockedBefore(table) || commandsOf(kind, node).some(({ subtype }) => subtype !== validate);
    return inUse(kind, node, schema, validate)
      .filter(() => isLocked)
      .map(({ name }) => `validates ${name} while this migration holds a lock on ${table}`);
  },
  'unique-constraint': ({ kind, node }, schema) =>
    [...constraintsAdded(kind, node, schema), ...columnsAdded(kind, node, schema).flatMap(constraintsOf)]
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
    if (kind === 'AlterTableMoveAllStmt') return ['rewrites all tables of a tablespace'];
    if (kind === 'RefreshMatViewStmt' && node.concurrent !== true)
      return tables([{ RangeVar: node.relation }], schema).map(
        (name) => `keeps readers out while it refreshes ${name}`,
      );
    if (settingsIn(kind, node).includes('lock_timeout'))
      return ['changes how long it keeps others waiting for its locks'];
    const attached = commandsOf(kind, node, 'AT_AttachPartition').map(({ def }) => ({
      RangeVar: def.PartitionCmd.name,
    }));
    if (attached.length > 0) return tables(attached, schema).map((name) => `reads every row of ${name} under a lock`);
    return inUse(kind, node, schema, ...rewriting).map(() => `rewrites ${relationName(node.relation)}`);
  },
};

const rewriting = ['AT_SetTableSpace', 'AT_SetAccessMethod', 'AT_SetLogged', 'AT_SetUnLogged'];
const validate = 'AT_ValidateConstraint';
const filled = ['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'];

/** The commands of an `alter table` on a table that the running release may use. */
const inUse = (kind: string, node: Node, schema: Schema, ...subtypes: string[]): Node[] =>
  commandsOf(kind, node, ...subtypes).filter(({ name }) => {
    const table = relationName(node.relation);
    return schema.inUse(name === undefined ? table : `${table}.${name}`);
  });

const columnsAdded = (kind: string, node: Node, schema: Schema): Node[] =>
  inUse(kind, node, schema, 'AT_AddColumn').map(({ def }) => def.ColumnDef);

const constraintsOf = (column: Node): Node[] => (column.constraints ?? []).map((each: Node) => each.Constraint);

const has = (column: Node, ...kinds: string[]): boolean =>
  constraintsOf(column).some(({ contype }) => kinds.includes(contype));

const isStored = (column: Node): boolean =>
  constraintsOf(column).some(({ contype, generated_kind }) => contype === 'CONSTR_GENERATED' && generated_kind !== 'v');

/** Whether an identity takes no values but its own. */
const isAlways = (def: Node): boolean =>
  def.Constraint?.generated_when === 'a' ||
  findAll(def, 'DefElem').some(({ defname, arg }) => defname === 'generated' && arg.Integer.ival === 'a'.charCodeAt(0));

/** The domains of statements on them, where the running release may use them. */
const used = (statements: Node[], schema: Schema): string[] =>
  statements.map(({ typeName }) => listName(typeName)).filter(schema.inUse);

const isSerial = (column: Node): boolean => /serial/.test(column.typeName.names.at(-1)?.String?.sval ?? '');

/** Stable functions run once, all others once a row. */
const stable = new Set(['now', 'transaction_timestamp', 'statement_timestamp', 'current_setting', 'session_user']);

const callsOf = (column: Node): boolean =>
  constraintsOf(column)
    .filter(({ contype }) => contype === 'CONSTR_DEFAULT')
    .flatMap((each) => findAll(each, 'FuncCall'))
    .some(({ funcname }) => !stable.has(funcname.at(-1).String.sval));

const constraintsAdded = (kind: string, node: Node, schema: Schema): Node[] =>
  inUse(kind, node, schema, 'AT_AddConstraint').map(({ def }) => def.Constraint);

/** `add column … references …` and `add column … check …`. A nullable column without a default refers to nothing yet. */
const inlineConstraints = (kind: string, node: Node, schema: Schema): Node[] =>
  columnsAdded(kind, node, schema).flatMap((column) =>
    constraintsOf(column).filter(({ contype }) => contype === 'CONSTR_CHECK' || has(column, 'CONSTR_DEFAULT')),
  );

const tables = (relations: Node[], schema: Schema): string[] =>
  relations.map(({ RangeVar: range }) => relationName(range)).filter(schema.inUse);
