import type { Change, Rule } from './change.ts';
import type { Contract, Json, Operation } from './contract.ts';
import { type Direction, schemaComparer } from './schemas.ts';

/** What a release breaks for those who rely on another one before it, each change once. */
export function breakingChanges(old: Contract, now: Contract): Change[] {
  const compare = schemaComparer(old.schemas, now.schemas);
  const gone = old.problems.filter((code) => !now.problems.includes(code));
  return [
    ...gone.map((code): Change => ({ rule: 'problem-removed', where: `problem ${code}`, what: 'is gone' })),
    ...Object.entries(old.operations).flatMap(([where, operation]) => {
      const change = (rule: Rule, what: string): Change => ({ rule, where, what });
      const other = now.operations[where];
      if (other === undefined) return [change('operation-removed', 'is gone')];
      const renamed =
        other.id === operation.id ? [] : [change('operation-renamed', `is ${other.id}, was ${operation.id}`)];
      return [
        ...renamed,
        ...whoMayCall(operation, other, change),
        ...requests(where, operation, other, compare),
        ...answers(where, operation, other, new Set(gone), compare),
      ];
    }),
    ...eventChanges(old, now),
  ];
}

type ChangeOf = (rule: Rule, what: string) => Change;
type Compare = (direction: Direction, where: string, old: Json, now: Json) => Change[];

function whoMayCall(old: Operation, now: Operation, change: ChangeOf): Change[] {
  const anybody = (operation: Operation) => operation.credentials.length === 0 || operation.credentials.includes('');
  const refused = anybody(old) ? ['nobody'] : old.credentials;
  return [
    ...now.scopes
      .filter((scope) => !old.scopes.includes(scope))
      .map((scope) => change('scope-needed', `needs ${scope}`)),
    ...(anybody(now) ? [] : refused.filter((each) => !now.credentials.includes(each))).map((each) =>
      change('credential-removed', each === 'nobody' ? 'needs credentials' : `no longer takes ${each}`),
    ),
  ];
}

function requests(operation: string, old: Operation, now: Operation, compare: Compare): Change[] {
  const parameters = Object.entries(old.parameters).flatMap(([name, parameter]): Change[] => {
    const where = `${operation} ${name}`;
    const other = now.parameters[name];
    if (other === undefined) return [{ rule: 'request-removed', where: `request ${where}`, what: 'is gone' }];
    return [
      ...(other.style === parameter.style
        ? []
        : [{ rule: 'type-changed' as const, where: `request ${where}`, what: 'is written in another style' }]),
      ...compare('request', where, parameter.schema, other.schema),
    ];
  });
  const needed = Object.entries(now.parameters)
    .filter(([name, { required }]) => required && old.parameters[name]?.required !== true)
    .map(([name]) => `${operation} ${name}`);
  const body = now.body?.required === true && old.body?.required !== true ? [`${operation} body`] : [];
  return [
    ...parameters,
    ...[...needed, ...body].map(
      (where): Change => ({ rule: 'request-required', where: `request ${where}`, what: 'is newly required' }),
    ),
    ...contents('request', `${operation} body`, old.body?.content ?? {}, now.body?.content ?? {}, compare),
  ];
}

function answers(operation: string, old: Operation, now: Operation, gone: Set<string>, compare: Compare): Change[] {
  return Object.entries(old.answers).flatMap(([status, answer]): Change[] => {
    const where = `${operation} ${status}`;
    const change = (rule: Rule, what: string): Change => ({ rule, where: `answer ${where}`, what });
    const other = now.answers[status];
    // A status of problems that exist no more is no change of its own.
    if (other === undefined && answer.problems.length > 0 && answer.problems.every((code) => gone.has(code))) return [];
    if (other === undefined) return [change('status-removed', 'is gone')];
    return [
      ...answer.headers
        .filter((header) => !other.headers.includes(header))
        .map((header) => change('header-removed', `has no ${header}`)),
      ...answer.problems
        .filter((code) => !other.problems.includes(code) && !gone.has(code))
        .map((code) => change('problem-removed', `is never ${code}`)),
      ...contents('answer', where, answer.content, other.content, compare),
    ];
  });
}

type Content = Readonly<Record<string, Json>>;

const contents = (direction: Direction, where: string, old: Content, now: Content, compare: Compare): Change[] =>
  Object.entries(old).flatMap(([type, schema]): Change[] =>
    Object.hasOwn(now, type)
      ? compare(direction, where, schema, now[type])
      : [{ rule: 'media-type-removed', where: `${direction} ${where}`, what: `has no ${type}` }],
  );

/** A schema of an event never changes. A version may go when those who read it can read a later one. */
function eventChanges(old: Contract, now: Contract): Change[] {
  return Object.entries(old.events).flatMap(([event, schema]): Change[] => {
    const where = `event ${event}`;
    const other = now.events[event];
    if (other !== undefined) {
      return canonical(other) === canonical(schema)
        ? []
        : [{ rule: 'event-changed', where, what: 'has another schema: raise its version' }];
    }
    const [type] = event.split('@');
    const later = Object.keys(now.events).find((name) => name.startsWith(`${type}@`));
    if (later === undefined) return [{ rule: 'event-removed', where, what: 'is gone' }];
    const compare = schemaComparer(old.schemas, now.schemas);
    return compare('answer', '', schema, now.events[later]).map(
      (change): Change => ({
        rule: 'event-removed',
        where,
        what: `is gone, and ${later} does not do for it: ${change.where.replace('answer ', '')} ${change.what}`,
      }),
    );
  });
}

/** JSON with its keys in order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (key, each) => {
    if (key === 'required' && Array.isArray(each)) return [...each].sort();
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
