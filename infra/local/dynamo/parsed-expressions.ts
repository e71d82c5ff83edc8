/** A parser of dynalite: reads an expression, resolves its names and values, and takes them off the unused ones. */
export type ExpressionParser = { parse(text: string, options: { context: ExpressionContext }): unknown };

export type ExpressionContext = {
  attrNames?: Record<string, string> | undefined;
  attrVals?: Record<string, AttributeValue> | undefined;
  unusedAttrNames: Record<string, true>;
  unusedAttrVals: Record<string, true>;
  isKeyCondition?: boolean;
};

type AttributeValue = Record<string, unknown>;

/** A parsed expression. Where a value stands in the tree, it is the very object that the first request had. */
type Parsed = { tree: unknown; values: Map<object, string>; used: { names: string[]; values: string[] } };

/** Enough for the expressions of any one program. A program that makes up new ones must not fill the memory. */
const most = 500;

/**
 * Makes a parser remember what it has parsed. Programs send the same dozen expressions with other values, and parsing
 * them anew took two fifths of the main thread's processor time.
 *
 * A result is used again for the same text, names and types of values. It depends on nothing else, except in `BETWEEN`
 * and `attribute_type`, which look at the values: they are parsed each time. Errors are not remembered.
 */
export function rememberParsed(parser: ExpressionParser): void {
  const parse = parser.parse;
  const remembered = new Map<string, Parsed>();
  parser.parse = (text, options) => {
    if (/between|attribute_type/i.test(text)) return parse(text, options);
    const { context } = options;
    const key = keyOf(text, context);
    let parsed = remembered.get(key);
    if (parsed === undefined) {
      parsed = parseAlone(parse, text, context);
      if (remembered.size >= most) remembered.clear();
      remembered.set(key, parsed);
    }
    for (const name of parsed.used.names) delete context.unusedAttrNames[name];
    for (const name of parsed.used.values) delete context.unusedAttrVals[name];
    return withValues(parsed.tree, parsed.values, context.attrVals ?? {});
  };
}

const keyOf = (text: string, { attrNames = {}, attrVals = {}, isKeyCondition = false }: ExpressionContext): string =>
  JSON.stringify([
    text,
    isKeyCondition,
    attrNames,
    Object.entries(attrVals).map(([name, value]) => [name, ...Object.keys(value)]),
  ]);

/** Parses one of a request's expressions as if it were the only one, to learn which names and values it uses. */
function parseAlone(parse: ExpressionParser['parse'], text: string, context: ExpressionContext): Parsed {
  const { attrNames = {}, attrVals = {} } = context;
  const all = (names: object) => Object.fromEntries(Object.keys(names).map((name) => [name, true as const]));
  const alone = { ...context, unusedAttrNames: all(attrNames), unusedAttrVals: all(attrVals) };
  const tree = parse(text, { context: alone });
  return {
    tree,
    values: new Map(Object.entries(attrVals).map(([name, value]) => [value, name])),
    used: {
      names: Object.keys(attrNames).filter((name) => !(name in alone.unusedAttrNames)),
      values: Object.keys(attrVals).filter((name) => !(name in alone.unusedAttrVals)),
    },
  };
}

/** A copy of a tree with another request's values. The caller may change the copy. */
function withValues(node: unknown, names: Map<object, string>, values: Record<string, AttributeValue>): unknown {
  if (typeof node !== 'object' || node === null) return node;
  const name = names.get(node);
  if (name !== undefined) return values[name];
  if (Array.isArray(node)) return node.map((each) => withValues(each, names, values));
  const copy = Object.create(Object.getPrototypeOf(node)) as Record<string, unknown>;
  for (const [field, value] of Object.entries(node)) copy[field] = withValues(value, names, values);
  return copy;
}
