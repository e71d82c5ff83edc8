import { commandsOf } from './rules-objects.ts';
import type { Check } from './schema.ts';
import { findAll, listName, type Node, relationName, type Statement } from './statements.ts';

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
    changesOf(statement, 'UpdateStmt', 'DeleteStmt', 'MergeStmt')
      .filter(({ whereClause, joinCondition }) => whereClause === undefined && joinCondition === undefined)
      .map(({ relation }) => relationName(relation))
      .filter(schema.inUse)
      .map((name) => `changes every row of ${name}`),
  'rows-in-a-migration': (statement, schema) =>
    changesOf(statement, 'UpdateStmt', 'DeleteStmt', 'MergeStmt')
      .filter(({ whereClause, joinCondition }) => whereClause !== undefined || joinCondition !== undefined)
      .map(({ relation }) => relationName(relation))
      .filter(schema.inUse)
      .map((name) => `changes rows of ${name} and holds their locks until the migration ends`),
  'unreadable-block': ({ kind }, schema) =>
    kind === 'DoStmt' && schema.inUse('do') ? ['runs a block whose statements the linter does not read'] : [],
};

/** Changes of rows that run with the migration, and not those in the body of a function that it makes. */
function changesOf({ kind, node }: Statement, ...kinds: string[]): Node[] {
  if (kind === 'CreateFunctionStmt' || kind === 'RuleStmt') return [];
  return kinds.flatMap((each) => findAll({ [kind]: node }, each));
}
