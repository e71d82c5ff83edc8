import type { Change, Rule } from './change.ts';
import type { Json } from './contract.ts';

/** Who sends a value: a client, or the API and its events. */
export type Direction = 'request' | 'answer';

type Side = Readonly<Record<string, Json>>;

/**
 * Compares schemas in one direction: what a client of the old one may send must still be taken, and what it gets must be
 * what it knows. Named schemas that several operations share are compared once in each direction.
 * @param before and after: the named schemas of both sides, to which `$ref` points
 */
export function schemaComparer(before: Side, after: Side) {
  const seen = new Set<string>();

  function compare(direction: Direction, where: string, old: Json, now: Json): Change[] {
    const [from, to] = [nameOf(old), nameOf(now)];
    if (from !== undefined && to !== undefined) {
      const key = `${direction} ${from} ${to}`;
      if (seen.has(key)) return [];
      seen.add(key);
      return compareVariants(direction, from, old, now);
    }
    return compareVariants(direction, where, old, now);
  }

  function compareVariants(direction: Direction, where: string, old: Json, now: Json): Change[] {
    const [olds, nows] = [variantsOf(old, before), variantsOf(now, after)];
    const change = changeAt(direction, where);
    const pairs = olds.map((variant) => [variant, partnerOf(variant, olds, nows, direction)] as const);
    const paired = new Set(pairs.map(([, partner]) => partner));
    const gone = pairs.filter(([, partner]) => partner === undefined).map(([variant]) => variant);
    const come = nows.filter((variant) => !paired.has(variant));
    const sameKinds = gone.every(({ kind }) => nows.some((variant) => variant.kind === kind));
    return [
      ...pairs.flatMap(([a, b]) => (b === undefined ? [] : compareOne(direction, where, a.schema, b.schema))),
      ...(direction === 'request'
        ? gone.map(({ label }) => change(sameKinds ? 'request-narrowed' : 'type-changed', `no longer takes ${label}`))
        : [
            ...gone
              .filter(({ kind }) => kind === 'object')
              .map(({ label }) => change('answer-value-removed', `is never ${label}`)),
            // A new variant of objects is like a new value of an enum: a client meets what it does not know.
            ...come
              .filter(
                ({ kind }) =>
                  !olds.some((variant) => variant.kind === 'any' || (variant.kind === 'object' && kind === 'object')),
              )
              .map(({ label }) => change('type-changed', `may be ${label}`)),
          ]),
    ];
  }

  function compareOne(direction: Direction, where: string, old: Json, now: Json): Change[] {
    const at = changeAt(direction, where);
    const inside = (path: string, a: Json, b: Json) => compare(direction, `${where}${path}`, a, b);
    return [
      ...(direction === 'request' ? narrowed(old, now) : changedForms(old, now)).map(([rule, what]) => at(rule, what)),
      ...properties(direction, where, old, now, compare),
      ...((old.items ?? now.items) === undefined ? [] : inside('[]', old.items ?? {}, now.items ?? {})),
      ...(isSchema(old.additionalProperties) && isSchema(now.additionalProperties)
        ? inside('.*', old.additionalProperties, now.additionalProperties)
        : []),
      ...(isSchema(old.propertyNames) && isSchema(now.propertyNames)
        ? inside(' names', old.propertyNames, now.propertyNames)
        : []),
    ];
  }

  return compare;
}

const nameOf = ({ $ref }: Json): string | undefined => $ref?.replace('#/components/schemas/', '');
const isSchema = (value: unknown): value is object => typeof value === 'object' && value !== null;
const changeAt =
  (direction: Direction, where: string) =>
  (rule: Rule, what: string): Change => ({ rule, where: `${direction} ${where}`, what });

type Compare = (direction: Direction, where: string, old: Json, now: Json) => Change[];

function properties(direction: Direction, where: string, old: Json, now: Json, compare: Compare): Change[] {
  const [was, is]: Side[] = [old.properties ?? {}, now.properties ?? {}];
  const needs = ({ required = [] }: Json, name: string): boolean => required.includes(name);
  const at = (name: string) => changeAt(direction, `${where}.${name}`);
  const request = direction === 'request';
  return [
    ...Object.keys(was!).flatMap((name) => {
      if (!Object.hasOwn(is!, name)) return [at(name)(request ? 'request-removed' : 'answer-removed', 'is gone')];
      const missing = !request && needs(old, name) && !needs(now, name);
      return [
        ...(missing ? [at(name)('answer-removed', 'may be missing')] : []),
        ...compare(direction, `${where}.${name}`, was![name], is![name]),
      ];
    }),
    ...Object.keys(is!)
      .filter((name) => request && needs(now, name) && !needs(old, name))
      .map((name) => at(name)('request-required', 'is newly required')),
  ];
}

type Finding = [Rule, string];

/** Where a larger limit takes less, and where a smaller one does. */
const atLeast = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const atMost = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];
const forms = ['pattern', 'format', 'contentEncoding'];

function narrowed(old: Json, now: Json): Finding[] {
  const [was, is] = [valuesOf(old), valuesOf(now)];
  const lost = is === undefined ? [] : (was ?? ['any other']).filter((value) => !is.includes(value));
  const limits = [
    ...atLeast.filter((key) => now[key] !== undefined && !(old[key] >= now[key])),
    ...atMost.filter((key) => now[key] !== undefined && !(old[key] <= now[key])),
    // Whether one pattern takes all that another does is not to be seen: who knows it makes an exception.
    ...[...forms, 'multipleOf', 'uniqueItems'].filter((key) => now[key] !== undefined && now[key] !== old[key]),
  ];
  const closed = now.additionalProperties === false && (old.additionalProperties ?? true) !== false;
  const named = now.propertyNames !== undefined && old.propertyNames === undefined;
  return [
    ...lost.map((value): Finding => ['request-narrowed', `no longer takes ${value}`]),
    ...limits.map((key): Finding => ['request-narrowed', `has ${key} ${now[key]} instead of ${old[key] ?? 'none'}`]),
    ...(closed || named ? [['request-narrowed', 'no longer takes properties of any name'] as Finding] : []),
    ...(JSON.stringify(old.default) === JSON.stringify(now.default)
      ? []
      : [['default-changed', `has the default ${now.default} instead of ${old.default}`] as Finding]),
  ];
}

function changedForms(old: Json, now: Json): Finding[] {
  const [was, is] = [valuesOf(old), valuesOf(now)];
  const lost = is === undefined ? [] : (was ?? []).filter((value) => !is.includes(value));
  return [
    ...lost.map((value): Finding => ['answer-value-removed', `is never ${value}`]),
    ...(was !== undefined && is === undefined ? [['type-changed', 'may be any value'] as Finding] : []),
    ...forms
      .filter((key) => old[key] !== undefined && now[key] !== old[key])
      .map((key): Finding => ['type-changed', `has ${key} ${now[key] ?? 'none'} instead of ${old[key]}`]),
  ];
}

/** The only values, as JSON, or undefined for any. */
const valuesOf = (schema: Json): string[] | undefined =>
  ('const' in schema ? [schema.const] : schema.enum)?.map((value: unknown) => JSON.stringify(value));

type Variant = { kind: string; label: string; schema: Json };

/** What a value may be: one variant for each type and each branch. */
function variantsOf(schema: Json, named: Side): Variant[] {
  const name = nameOf(schema);
  if (name !== undefined) return variantsOf(named[name], named).map((each) => relabelled(each, name));
  const branches: Json[] | undefined = schema.oneOf ?? schema.anyOf;
  if (branches !== undefined) return branches.flatMap((branch) => variantsOf(branch, named));
  if (Array.isArray(schema.type)) {
    return schema.type.flatMap((type: string) => variantsOf(type === 'null' ? { type } : { ...schema, type }, named));
  }
  const kind: string = schema.type ?? kindOfValues(schema);
  const constant = Object.entries<Json>(schema.properties ?? {}).find(([, each]) => 'const' in each);
  return [{ kind, label: constant === undefined ? kind : `${constant[0]} ${constant[1].const}`, schema }];
}

const relabelled = (variant: Variant, name: string): Variant =>
  variant.label === 'object' ? { ...variant, label: name } : variant;

function kindOfValues(schema: Json): string {
  if (schema.properties !== undefined) return 'object';
  const values: unknown[] = 'const' in schema ? [schema.const] : (schema.enum ?? []);
  return values.length === 0 ? 'any' : typeof values[0];
}

/** The variant that stands where one stood: the only one of its kind, else the one of its name, else of its place. */
function partnerOf(variant: Variant, olds: Variant[], nows: Variant[], direction: Direction): Variant | undefined {
  const of = (list: Variant[], kind: string) => list.filter((each) => each.kind === kind);
  const [mine, theirs] = [of(olds, variant.kind), of(nows, variant.kind)];
  if (mine.length === 1 && theirs.length === 1) return theirs[0];
  const same = theirs.find(({ label }) => label === variant.label && label !== variant.kind);
  if (same !== undefined) return same;
  if (theirs.length > 0) return variant.label === variant.kind ? theirs[mine.indexOf(variant)] : undefined;
  const wider = direction === 'request' ? { integer: 'number' } : { number: 'integer' };
  const kind = (wider as Record<string, string>)[variant.kind];
  // A client may send anything where anything is taken, and knows anything that comes where anything came.
  const any = direction === 'request' ? of(nows, 'any')[0] : variant.kind === 'any' ? nows[0] : undefined;
  return (kind === undefined ? undefined : of(nows, kind)[0]) ?? any;
}
