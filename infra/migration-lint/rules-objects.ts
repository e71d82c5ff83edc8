import { type Check, columnsOf, type Schema } from './schema.ts';
import { listName, type Node, relationName } from './statements.ts';

const dropped: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'materialized view',
  OBJECT_FUNCTION: 'function',
  OBJECT_PROCEDURE: 'procedure',
  OBJECT_ROUTINE: 'routine',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'domain',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_SCHEMA: 'schema',
};

/** What the running release uses by name: it must stay, under its name, with what it grants and answers. */
export const objectRules: Readonly<Record<string, Check>> = {
  'drop-in-use': ({ kind, node }, schema) => {
    const what = kind === 'DropStmt' ? dropped[node.removeType] : undefined;
    if (what !== undefined) return used(schema, node.objects.map(nameOfObject)).map((name) => `drops ${what} ${name}`);
    return commandsOf(kind, node, 'AT_DropColumn')
      .map(({ name }) => `${relationName(node.relation)}.${name}`)
      .filter(schema.inUse)
      .map((name) => `drops column ${name}`);
  },
  'rename-in-use': ({ kind, node }, schema) => {
    if (kind === 'AlterObjectSchemaStmt') {
      const name = node.relation === undefined ? nameOfObject(node.object) : relationName(node.relation);
      return schema.inUse(name) ? [`moves ${name} to schema ${node.newschema}`] : [];
    }
    if (kind !== 'RenameStmt' || harmless.has(node.renameType)) return [];
    const name = nameOfRenamed(node);
    return schema.inUse(name) ? [`renames ${name} to ${node.newname}`] : [];
  },
  'enum-value': ({ kind, node }, schema) =>
    kind === 'AlterEnumStmt' && node.oldVal !== undefined && schema.inUse(listName(node.typeName))
      ? [`renames value ${node.oldVal} of ${listName(node.typeName)}`]
      : [],
  'narrowed-view': ({ kind, node }, schema) => {
    if (kind !== 'ViewStmt' || !node.replace) return [];
    const name = relationName(node.view);
    const before = schema.viewColumns(name);
    if (before === undefined || !schema.inUse(name)) return [];
    const after = columnsOf(node);
    if (after === undefined) return [`no longer names the columns of view ${name}`];
    const lost = before.filter((column, index) => column !== undefined && after[index] !== column);
    return lost.length === 0 ? [] : [`takes ${lost.join(', ')} from view ${name}, or moves it`];
  },
  'revoke-in-use': ({ kind, node }, schema) => {
    if (kind === 'GrantRoleStmt') return node.is_grant === true ? [] : ['revokes a role from a role'];
    if (kind !== 'GrantStmt' || node.is_grant === true) return [];
    const grantees: string[] = node.grantees.map(({ RoleSpec: role }: Node) => role.rolename ?? 'public');
    // What everybody has by default is taken away where things are made.
    if (grantees.every((name) => name === 'public')) return [];
    return used(schema, (node.objects ?? []).map(nameOfObject)).map(
      (name) => `revokes rights on ${name} from ${grantees.join(', ')}`,
    );
  },
};

/** Nothing asks for these by name but a migration. */
const harmless = new Set(['OBJECT_INDEX', 'OBJECT_TABCONSTRAINT', 'OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE']);

const used = (schema: Schema, names: string[]): string[] => names.filter(schema.inUse);

/** The commands of an `alter table` of some kinds. */
export const commandsOf = (kind: string, node: Node, ...subtypes: string[]): Node[] =>
  kind === 'AlterTableStmt'
    ? node.cmds
        .map(({ AlterTableCmd: cmd }: Node) => cmd)
        .filter(({ subtype }: Node) => subtypes.length === 0 || subtypes.includes(subtype))
    : [];

function nameOfObject(object: Node): string {
  if (object.List !== undefined) return listName(object.List.items);
  if (object.RangeVar !== undefined) return relationName(object.RangeVar);
  if (object.ObjectWithArgs !== undefined) return listName(object.ObjectWithArgs.objname);
  if (object.TypeName !== undefined) return listName(object.TypeName.names);
  return object.String?.sval ?? 'something';
}

function nameOfRenamed(node: Node): string {
  const columnOf = ['OBJECT_COLUMN', 'OBJECT_ATTRIBUTE'].includes(node.renameType) ? `.${node.subname}` : '';
  if (node.relation !== undefined) return `${relationName(node.relation)}${columnOf}`;
  return node.object === undefined ? (node.subname ?? 'something') : nameOfObject(node.object);
}
