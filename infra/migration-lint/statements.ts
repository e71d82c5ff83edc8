import { parse } from 'libpg-query';

/** A node of PostgreSQL's parse tree: `{ AlterTableStmt: { … } }` is of the kind `AlterTableStmt`. */
// biome-ignore lint/suspicious/noExplicitAny: The tree has some 300 kinds of nodes; rules read a few fields of each.
export type Node = any;

/** A statement of a migration, as PostgreSQL's own parser reads it. */
export type Statement = {
  kind: string;
  node: Node;
  /** Of its first word; 1 is the first. */
  line: number;
  exceptions: Exception[];
};

/** What a comment before a statement allows: `-- lint allow <rule>: <reason>`. */
export type Exception = { rule: string; reason: string; line: number };

/** A file that PostgreSQL would not parse. */
export class Unparsable extends Error {
  override readonly name = 'Unparsable';
}

/**
 * Reads a file's statements with the exceptions in the comments before each.
 * @throws Unparsable
 */
export async function readStatements(file: string, text: string): Promise<Statement[]> {
  const bytes = Buffer.from(text);
  const parsed = await parse(text).catch((cause: Error) => {
    throw new Unparsable(`${file} does not parse: ${cause.message}`, { cause });
  });
  let end = 0;
  return (parsed.stmts ?? []).map((raw: Node) => {
    const from = end;
    const start: number = raw.stmt_location ?? 0;
    end = raw.stmt_len === undefined ? bytes.length : start + raw.stmt_len;
    const before = linesIn(bytes.subarray(0, from).toString());
    const comments = /^(?:[\s;]+|--[^\n]*|\/\*[\s\S]*?\*\/)*/.exec(bytes.subarray(from, end).toString())![0];
    const [kind, node] = Object.entries(raw.stmt as object)[0]!;
    return { kind, node, line: before + linesIn(comments) + 1, exceptions: exceptionsIn(comments, before) };
  });
}

/** What a file's comments allow without a statement that follows. */
export function danglingExceptions(text: string, statements: readonly Statement[]): Exception[] {
  const bound = new Set(statements.flatMap(({ exceptions }) => exceptions.map(({ line }) => line)));
  return exceptionsIn(text, 0).filter(({ line }) => !bound.has(line));
}

function exceptionsIn(comments: string, linesBefore: number): Exception[] {
  return comments.split('\n').flatMap((text, index) => {
    const found = /^\s*--\s*lint allow ([\w-]+)\s*:?\s*(.*?)\s*$/.exec(text);
    return found === null ? [] : [{ rule: found[1]!, reason: found[2]!, line: linesBefore + index + 1 }];
  });
}

const linesIn = (text: string): number => text.split('\n').length - 1;

/** `schema.name` of a table or view; a name without a schema is in `public`. */
export const relationName = (range: Node): string => `${range?.schemaname ?? 'public'}.${range?.relname}`;

/** `schema.name` of a list of names, such as a function's or a type's. */
export function listName(names: Node[]): string {
  const parts = names.map((name) => name.String?.sval ?? '*');
  return parts.length === 1 ? `public.${parts[0]}` : parts.slice(-2).join('.');
}

/** Every node of a kind inside another, itself included. */
export function findAll(root: Node, kind: string): Node[] {
  if (root === null || typeof root !== 'object') return [];
  if (Array.isArray(root)) return root.flatMap((each) => findAll(each, kind));
  return Object.entries(root).flatMap(([name, value]) => [...(name === kind ? [value] : []), ...findAll(value, kind)]);
}

/** The parameters of the session that a statement sets, by `set`, `reset` or `set_config`. */
export function settingsIn(kind: string, node: Node): string[] {
  if (kind === 'VariableSetStmt') return [node.name ?? 'all'];
  if (kind !== 'SelectStmt') return [];
  return findAll(node, 'FuncCall')
    .filter(({ funcname }) => funcname.at(-1).String.sval === 'set_config')
    .map(({ args }) => args[0].A_Const?.sval?.sval ?? 'all');
}
