/** A statement of a policy, resolved: texts and lists of texts. */
export type Statement = {
  Effect: 'Allow' | 'Deny';
  Action?: string | string[] | undefined;
  NotAction?: string | string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
};

/** What somebody asks IAM for. */
export type Request = {
  action: string;
  resource: string;
  /** Condition keys with their values. */
  context: Readonly<Record<string, string>>;
};

const list = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** Whether a text matches a pattern in which `*` is any text and `?` any character. */
function like(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** Whether policies allow a request: a statement allows it, and none denies it. */
export const allows = (statements: readonly Statement[], request: Request): boolean =>
  statements.some((one) => one.Effect === 'Allow' && applies(one, request)) &&
  !statements.some((one) => one.Effect === 'Deny' && applies(one, request));

/** Whether a statement speaks of a request. */
export function applies(statement: Statement, { action, resource, context }: Request): boolean {
  const { Action, NotAction, Resource, NotResource, Condition = {} } = statement;
  const named = (patterns: string | string[] | undefined, text: string) =>
    list(patterns).some((pattern) => like(pattern, text));
  const ofAction = (text: string) => text.toLowerCase();
  const actions = (patterns: string | string[] | undefined) =>
    list(patterns).some((pattern) => like(ofAction(pattern), ofAction(action)));
  return (
    (NotAction === undefined ? actions(Action) : !actions(NotAction)) &&
    (NotResource === undefined ? named(Resource, resource) : !named(NotResource, resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, list(values), context[key])),
    )
  );
}

const operators: Record<string, (value: string, wanted: string) => boolean> = {
  StringEquals: (value, wanted) => value === wanted,
  StringLike: (value, wanted) => like(wanted, value),
  ArnEquals: (value, wanted) => like(wanted, value),
  ArnLike: (value, wanted) => like(wanted, value),
  Bool: (value, wanted) => value === String(wanted),
};

/** @throws Error for an operator that the proof does not know: it must not guess */
function holds(operator: string, wanted: string[], value: string | undefined): boolean {
  const [, name = '', ifExists] = /^(.+?)(IfExists)?$/.exec(operator)!;
  const test = operators[name];
  if (test === undefined) throw new Error(`the proof does not know the condition ${operator}`);
  if (value === undefined) return ifExists !== undefined;
  return wanted.some((one) => test(value, one));
}
