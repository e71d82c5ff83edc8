import { commandsOf } from './rules-objects.ts';
import type { Check } from './schema.ts';
import { findAll, listName, type Node, relationName, type Statement, settingsIn } from './statements.ts';

/** What changes or loses rows. */
export const dataRules: Readonly<Record<string, Check>> = {
  'data-loss': ({ kind, node }, schema) => {
    if (kind === 'TruncateStmt')
      return node.relations
        .map(({ RangeVar: range }: { RangeVar: object }) => relationName(range))
        .filter(schema.inUse)
        .map((name: string) => `empties ${name}`);
    const tables = kind === 'DropStmt' && node.removeType === 'OBJECT_TABLE' ? node.objects : [];
    const columns = commandsOf(kind, node, 'AT_DropColumn').map(({ name }) => `${relationName(node.relation)}.${name}`);
    return [
      ...tables.map(({ List: list }: { List: { items: [] } }) => listName(list.items)).filter(schema.inUse),
      ...columns.filter(schema.inUse),
    ].map((name: string) => `loses what is in ${name}`);
  },
  'every-row': (statement, schema) =>
    changesOf(statement)
      .filter((change) => !isNarrow(change))
      .map(({ relation }) => relationName(relation))
      .filter(schema.inUse)
      .map((name) => `changes every row of ${name}`),
  'rows-in-a-migration': (statement, schema) =>
    changesOf(statement)
      .filter(isNarrow)
      .map(({ relation }) => relationName(relation))
      .filter(schema.inUse)
      .map((name) => `changes rows of ${name} and holds their locks until the migration ends`),
  'unreadable-block': ({ kind, node }) => {
    if (kind === 'DoStmt') return ['runs a block whose statements the linter does not read'];
    if (kind === 'CallStmt') return ['calls a procedure whose statements the linter does not read'];
    if (settingsIn(kind, node).includes('search_path')) return ['changes what names without a schema mean'];
    const own =
      kind === 'SelectStmt' ? findAll(node, 'FuncCall').find(({ funcname }) => funcname.length > 1) : undefined;
    return own === undefined ? [] : [`calls ${listName(own.funcname)}, whose statements the linter does not read`];
  },
};

/** A condition that looks at a column, unlike `where true`. */
const isNarrow = ({ whereClause, joinCondition, onConflictClause }: Node): boolean =>
  onConflictClause !== undefined || findAll([whereClause, joinCondition], 'ColumnRef').length > 0;

/** Changes of rows that run with the migration, and not those in the body of a function that it makes. */
function changesOf({ kind, node }: Statement): Node[] {
  if (kind === 'CreateFunctionStmt' || kind === 'RuleStmt') return [];
  const statement = { [kind]: node };
  return [
    ...['UpdateStmt', 'DeleteStmt', 'MergeStmt'].flatMap((each) => findAll(statement, each)),
    ...findAll(statement, 'InsertStmt').filter(
      ({ onConflictClause }) => onConflictClause?.action === 'ONCONFLICT_UPDATE',
    ),
  ];
}
