import { findAll, listName, type Node, relationName, type Statement } from './statements.ts';

/** What earlier migrations made, as far as the rules ask. */
export type Schema = {
  /** Whether the release that runs may use a table, view, type, function, role, schema, `schema.table.column` or constraint. */
  inUse(name: string): boolean;
  /** The columns of a view, in order; undefined when they cannot be told from its text. */
  viewColumns(name: string): (string | undefined)[] | undefined;
  /** Whether a validated constraint proves that a column holds no null. */
  provenNotNull(table: string, column: string): boolean;
  /** Whether an index, or the constraint that `constraintName` names, keeps rows unique, so that `on conflict` may need it. */
  keepsUnique(name: string): boolean;
  /** Whether a type is a domain that refuses values. */
  isChecked(type: string): boolean;
  /** Whether the running release has a function of the name, and none of these parameters. */
  isOverload(name: string, parameters: string): boolean;
  /** Whether an earlier statement of the same file holds a lock on a table until the file ends. */
  lockedBefore(table: string): boolean;
  /** Begins with the next file, which is a transaction of its own. */
  startFile(): void;
  /** Takes in what a statement does. `released` says whether the running release has it already. */
  take(statement: Statement, released: boolean): void;
};

/** Checks one statement. @returns what it does that the rule refuses, each as the rest of a sentence */
export type Check = (statement: Statement, schema: Schema) => string[];

export function createSchema(): Schema {
  /** What the running release has, as far as a statement that makes it names it. */
  const known = new Set<string>();
  /** Made since the release that runs: nothing of it can depend on them. */
  const fresh = new Set<string>();
  const views = new Map<string, (string | undefined)[] | undefined>();
  /** Constraints that say `column is not null`, by `schema.table.constraint`. */
  const notNulls = new Map<string, { column: string; valid: boolean }>();
  const unique = new Set<string>();
  const checked = new Set<string>();
  /** The parameters of each function that the running release has, by its name. */
  const functions = new Map<string, Set<string>>();
  const locked = new Set<string>();
  const inUse = (name: string) => {
    const parts = name.split('.');
    return !parts.some((_, index) => fresh.has(parts.slice(0, index + 1).join('.')));
  };
  return {
    inUse,
    viewColumns: (name) => views.get(name),
    provenNotNull: (table, column) =>
      [...notNulls].some(([name, one]) => name.startsWith(`${table}.`) && one.column === column && one.valid),
    keepsUnique: (name) => unique.has(name),
    isChecked: (type) => checked.has(type),
    isOverload: (name, parameters) => functions.get(name)?.has(parameters) === false,
    lockedBefore: (table) => locked.has(table),
    startFile: () => locked.clear(),
    take({ kind, node }, released) {
      if (kind === 'ViewStmt') views.set(relationName(node.view), columnsOf(node));
      if (kind === 'CreateDomainStmt' && refuses(node)) checked.add(listName(node.domainname));
      if (kind === 'AlterDomainStmt' && node.def?.Constraint !== undefined) checked.add(listName(node.typeName));
      if (kind === 'CreateFunctionStmt' && released) {
        const name = listName(node.funcname);
        functions.set(name, (functions.get(name) ?? new Set()).add(parametersOf(node)));
      }
      if (kind === 'AlterTableStmt') {
        const table = relationName(node.relation);
        takeConstraints(table, node.cmds, notNulls);
        if (node.cmds.some(({ AlterTableCmd: { subtype } }: Node) => subtype !== 'AT_ValidateConstraint'))
          locked.add(table);
      }
      for (const name of uniqueIn(kind, node)) unique.add(name);
      const renamed = renamedTo(kind, node);
      if (renamed !== undefined && !released && !inUse(renamed.from)) fresh.add(renamed.to);
      if (renamed !== undefined && unique.has(renamed.from)) unique.add(renamed.to);
      for (const name of namesMade(kind, node))
        if (released) known.add(name);
        // What is there already is made by none: "if not exists", "or replace", another function of the name, a table dropped before.
        else if (!known.has(name)) fresh.add(name);
    },
  };
}

/** Whether a domain has more than a default. */
const refuses = (domain: Node): boolean =>
  (domain.constraints ?? []).some(({ Constraint: { contype } }: Node) => contype !== 'CONSTR_DEFAULT');

/** Names the constraint of a table as the schema knows it, apart from a column of the same name. */
export const constraintName = (table: string, constraint: string): string => `${table}.constraint ${constraint}`;

/** The types of a function's parameters, which tell it from others of its name. */
export const parametersOf = (node: Node): string =>
  (node.parameters ?? [])
    .filter(({ FunctionParameter: { mode } }: Node) => !['FUNC_PARAM_OUT', 'FUNC_PARAM_TABLE'].includes(mode))
    .map(
      ({ FunctionParameter: { argType } }: Node) =>
        `${listName(argType.names)}${argType.arrayBounds === undefined ? '' : '[]'}`,
    )
    .join();

/** What a rename gives another name, and which. */
function renamedTo(kind: string, node: Node): { from: string; to: string } | undefined {
  if (kind !== 'RenameStmt' || node.relation === undefined) return undefined;
  const relation = relationName(node.relation);
  if (node.renameType === 'OBJECT_COLUMN')
    return { from: `${relation}.${node.subname}`, to: `${relation}.${node.newname}` };
  if (node.renameType === 'OBJECT_TABCONSTRAINT')
    return { from: constraintName(relation, node.subname), to: constraintName(relation, node.newname) };
  return { from: relation, to: `${relation.split('.')[0]}.${node.newname}` };
}

function namesMade(kind: string, node: Node): string[] {
  switch (kind) {
    case 'CreateSchemaStmt':
      return [node.schemaname];
    case 'CreateRoleStmt':
      return [`role ${node.role}`];
    case 'CreateStmt': {
      const table = relationName(node.relation);
      const elements: Node[] = node.tableElts ?? [];
      return [
        table,
        ...elements.flatMap(({ ColumnDef: column }) => (column === undefined ? [] : [`${table}.${column.colname}`])),
      ];
    }
    case 'CreateTableAsStmt':
      return [relationName(node.into.rel)];
    case 'ViewStmt':
      return [relationName(node.view)];
    case 'CreateSeqStmt':
      return [relationName(node.sequence)];
    case 'CreateFunctionStmt':
      return [listName(node.funcname)];
    case 'CreateEnumStmt':
      return [listName(node.typeName)];
    case 'CreateDomainStmt':
      return [listName(node.domainname)];
    case 'CompositeTypeStmt':
      return [relationName(node.typevar)];
    case 'IndexStmt':
      return node.idxname === undefined ? [] : [indexName(node)];
    case 'AlterTableStmt':
      return node.cmds.flatMap(({ AlterTableCmd: { subtype, def } }: Node) => {
        const table = relationName(node.relation);
        if (subtype === 'AT_AddColumn') return [`${table}.${def.ColumnDef.colname}`];
        return subtype === 'AT_AddConstraint' ? [constraintName(table, def.Constraint.conname)] : [];
      });
    default:
      return [];
  }
}

const indexName = ({ relation, idxname }: Node): string => `${relation.schemaname ?? 'public'}.${idxname}`;

/** The indexes and constraints that a statement makes and that keep rows unique, under the names that PostgreSQL gives them. */
function uniqueIn(kind: string, node: Node): string[] {
  if (kind === 'IndexStmt') return node.unique === true && node.idxname !== undefined ? [indexName(node)] : [];
  const added: Node[] = kind === 'AlterTableStmt' ? node.cmds.map(({ AlterTableCmd: { def } }: Node) => def ?? {}) : [];
  return (kind === 'CreateStmt' ? (node.tableElts ?? []) : added).flatMap(
    ({ ColumnDef: column, Constraint: one }: Node) => {
      const constraints: Node[] =
        one === undefined ? (column?.constraints ?? []).map((each: Node) => each.Constraint) : [one];
      return constraints
        .filter(({ contype }) => ['CONSTR_UNIQUE', 'CONSTR_PRIMARY', 'CONSTR_EXCLUSION'].includes(contype))
        .map(({ conname, contype, keys }) => {
          const columns: string[] =
            column === undefined ? (keys ?? []).map((key: Node) => key.String.sval) : [column.colname];
          const given = [
            node.relation.relname,
            ...(contype === 'CONSTR_PRIMARY' ? ['pkey'] : [...columns, 'key']),
          ].join('_');
          return constraintName(relationName(node.relation), conname ?? given);
        });
    },
  );
}

/** The columns of a `create view`, in order; undefined when its text does not name them. */
export function columnsOf(view: Node): (string | undefined)[] | undefined {
  if (view.aliases !== undefined) return view.aliases.map((alias: Node) => alias.String.sval);
  let select = view.query.SelectStmt;
  while (select?.larg !== undefined) select = select.larg;
  const targets: Node[] = select?.targetList ?? [];
  if (targets.length === 0 || findAll(targets, 'A_Star').length > 0) return undefined;
  return targets.map(({ ResTarget: { name, val } }) => name ?? val.ColumnRef?.fields.at(-1)?.String?.sval);
}

function takeConstraints(table: string, cmds: Node[], notNulls: Map<string, { column: string; valid: boolean }>): void {
  for (const { AlterTableCmd: cmd } of cmds) {
    if (cmd.subtype === 'AT_ValidateConstraint') {
      const proof = notNulls.get(`${table}.${cmd.name}`);
      if (proof !== undefined) proof.valid = true;
    }
    const constraint = cmd.subtype === 'AT_AddConstraint' ? cmd.def.Constraint : undefined;
    const test = constraint?.raw_expr?.NullTest;
    const column =
      constraint?.contype === 'CONSTR_NOTNULL'
        ? constraint.keys[0].String.sval
        : test?.nulltesttype === 'IS_NOT_NULL'
          ? test.arg.ColumnRef?.fields.at(-1)?.String?.sval
          : undefined;
    if (column !== undefined && constraint.conname !== undefined)
      notNulls.set(`${table}.${constraint.conname}`, { column, valid: constraint.skip_validation !== true });
  }
}
