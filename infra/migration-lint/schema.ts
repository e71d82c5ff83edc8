import { findAll, listName, type Node, relationName, type Statement } from './statements.ts';

/** What earlier migrations made, as far as the rules ask. */
export type Schema = {
  /** Whether the release that runs may use a table, view, type, function, schema or `schema.table.column`. */
  inUse(name: string): boolean;
  /** The columns of a view, in order; undefined when they cannot be told from its text. */
  viewColumns(name: string): (string | undefined)[] | undefined;
  /** Whether a validated constraint proves that a column holds no null. */
  provenNotNull(table: string, column: string): boolean;
  /** Takes in what a statement does. `released` says whether the running release has it already. */
  take(statement: Statement, released: boolean): void;
};

/** Checks one statement. @returns what it does that the rule refuses, each as the rest of a sentence */
export type Check = (statement: Statement, schema: Schema) => string[];

export function createSchema(): Schema {
  /** Made since the release that runs: nothing of it can depend on them. */
  const fresh = new Set<string>();
  const views = new Map<string, (string | undefined)[] | undefined>();
  /** Constraints that say `column is not null`, by `schema.table.constraint`. */
  const notNulls = new Map<string, { column: string; valid: boolean }>();
  return {
    inUse(name) {
      const parts = name.split('.');
      return !parts.some((_, index) => fresh.has(parts.slice(0, index + 1).join('.')));
    },
    viewColumns: (name) => views.get(name),
    provenNotNull: (table, column) =>
      [...notNulls].some(([name, one]) => name.startsWith(`${table}.`) && one.column === column && one.valid),
    take({ kind, node }, released) {
      if (kind === 'ViewStmt') views.set(relationName(node.view), columnsOf(node));
      if (kind === 'AlterTableStmt') takeConstraints(relationName(node.relation), node.cmds, notNulls);
      if (!released) for (const name of namesMade(kind, node)) fresh.add(name);
    },
  };
}

function namesMade(kind: string, node: Node): string[] {
  switch (kind) {
    case 'CreateSchemaStmt':
      return [node.schemaname];
    case 'CreateStmt':
      return [relationName(node.relation)];
    case 'CreateTableAsStmt':
      return [relationName(node.into.rel)];
    case 'ViewStmt':
      return node.replace ? [] : [relationName(node.view)];
    case 'CreateSeqStmt':
      return [relationName(node.sequence)];
    case 'CreateFunctionStmt':
      return node.replace ? [] : [listName(node.funcname)];
    case 'CreateEnumStmt':
      return [listName(node.typeName)];
    case 'CreateDomainStmt':
      return [listName(node.domainname)];
    case 'CompositeTypeStmt':
      return [relationName(node.typevar)];
    case 'IndexStmt':
      return node.idxname === undefined ? [] : [`${node.relation.schemaname ?? 'public'}.${node.idxname}`];
    case 'AlterTableStmt':
      return node.cmds.flatMap(({ AlterTableCmd: cmd }: Node) =>
        cmd.subtype === 'AT_AddColumn' ? [`${relationName(node.relation)}.${cmd.def.ColumnDef.colname}`] : [],
      );
    default:
      return [];
  }
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
    const column = test?.nulltesttype === 'IS_NOT_NULL' ? test.arg.ColumnRef?.fields.at(-1)?.String?.sval : undefined;
    if (column !== undefined && constraint.conname !== undefined)
      notNulls.set(`${table}.${constraint.conname}`, { column, valid: constraint.skip_validation !== true });
  }
}
