import { type Check, columnsOf, constraintName, parametersOf, type Schema } from './schema.ts';
import { findAll, listName, type Node, relationName } from './statements.ts';

/** What nothing asks for by name, and whose absence refuses nothing. The rule on rights has policies. */
const droppable = new Set(['OBJECT_INDEX', 'OBJECT_TRIGGER', 'OBJECT_RULE', 'OBJECT_STATISTIC_EXT', 'OBJECT_POLICY']);

/** What the running release uses by name: it must stay, under its name, with what it grants and answers. */
export const objectRules: Readonly<Record<string, Check>> = {
  'drop-in-use': ({ kind, node }, schema) => {
    if (kind === 'DropRoleStmt' || kind === 'DropOwnedStmt')
      return used(schema, rolesOf(node.roles)).map(
        (role) => `drops ${kind === 'DropRoleStmt' ? '' : 'what is owned by '}${role}`,
      );
    if (kind === 'DropStmt') {
      const what = node.removeType.replace('OBJECT_', '').replace('MATVIEW', 'materialized view').toLowerCase();
      const names = used(schema, node.objects.map(nameOfObject));
      const indexes = node.removeType === 'OBJECT_INDEX' ? names.filter(schema.keepsUnique) : [];
      return droppable.has(node.removeType)
        ? indexes.map((name) => `drops unique index ${name}`)
        : names.map((name) => `drops ${what} ${name}`);
    }
    if (kind === 'CreateFunctionStmt') {
      const name = listName(node.funcname);
      const mayBeLeftOut = findAll(node.parameters ?? [], 'FunctionParameter').some(
        ({ defexpr }) => defexpr !== undefined,
      );
      return mayBeLeftOut && schema.isOverload(name, parametersOf(node))
        ? [`adds a function ${name} that the calls of the one in use fit too`]
        : [];
    }
    const table = relationName(node.relation);
    return [
      ...used(
        schema,
        commandsOf(kind, node, 'AT_DropColumn').map(({ name }) => `${table}.${name}`),
      ).map((name) => `drops column ${name}`),
      ...commandsOf(kind, node, 'AT_DropConstraint')
        .map(({ name }) => constraintName(table, name))
        .filter((name) => schema.inUse(name) && schema.keepsUnique(name))
        .map((name) => `drops unique ${name.slice(table.length + 1)} of ${table}`),
      ...commandsOf(kind, node, 'AT_DetachPartition', 'AT_DropInherit')
        .filter(() => schema.inUse(table))
        .map(() => `takes rows from ${table}`),
    ];
  },
  'rename-in-use': ({ kind, node }, schema) => {
    if (kind === 'AlterObjectSchemaStmt') {
      const name = node.relation === undefined ? nameOfObject(node.object) : relationName(node.relation);
      return schema.inUse(name) ? [`moves ${name} to schema ${node.newschema}`] : [];
    }
    if (kind !== 'RenameStmt' || renamable.has(node.renameType)) return [];
    const name = nameOfRenamed(node);
    // Code may ask an error for the name of what refused a row.
    if (node.renameType === 'OBJECT_INDEX' && !schema.keepsUnique(name)) return [];
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
    const rows = rowsHidden(kind, node, schema);
    if (rows !== undefined) return [rows];
    if (
      kind === 'AlterRoleStmt' &&
      node.options?.some(({ DefElem: { defname, arg } }: Node) => defname === 'canlogin' && !arg.Boolean.boolval)
    )
      return used(schema, rolesOf([{ RoleSpec: node.role }])).map((role) => `keeps ${role} from logging in`);
    if (kind !== 'GrantStmt' || node.is_grant === true) return [];
    const grantees: string[] = node.grantees.map(({ RoleSpec: role }: Node) => role.rolename ?? 'public');
    // What everybody has by default is taken away where things are made.
    if (grantees.every((name) => name === 'public')) return [];
    return used(schema, (node.objects ?? []).map(nameOfObject)).map(
      (name) => `revokes rights on ${name} from ${grantees.join(', ')}`,
    );
  },
};

/** What a policy, or the lack of one, keeps from those who read and write a table. */
function rowsHidden(kind: string, node: Node, schema: Schema): string | undefined {
  const [table, what] =
    kind === 'DropStmt' && node.removeType === 'OBJECT_POLICY'
      ? [listName(node.objects[0].List.items.slice(0, -1)), 'drops a policy of']
      : kind === 'AlterPolicyStmt' || (kind === 'CreatePolicyStmt' && node.permissive !== true)
        ? [relationName(node.table), 'narrows what policies allow on']
        : commandsOf(kind, node, 'AT_EnableRowSecurity', 'AT_ForceRowSecurity').length > 0
          ? [relationName(node.relation), 'hides by row level security what no policy allows on']
          : [];
  return table !== undefined && schema.inUse(table) ? `${what} ${table}` : undefined;
}

/** Nothing asks for these by name but a migration. */
const renamable = new Set(['OBJECT_TRIGGER', 'OBJECT_POLICY', 'OBJECT_RULE', 'OBJECT_STATISTIC_EXT']);

const rolesOf = (roles: Node[]): string[] => roles.map(({ RoleSpec: { rolename } }) => `role ${rolename ?? 'public'}`);

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
  if (node.renameType === 'OBJECT_TABCONSTRAINT') return constraintName(relationName(node.relation), node.subname);
  if (node.renameType === 'OBJECT_ROLE') return `role ${node.subname}`;
  if (node.relation !== undefined) return `${relationName(node.relation)}${columnOf}`;
  return node.object === undefined ? (node.subname ?? 'something') : nameOfObject(node.object);
}
