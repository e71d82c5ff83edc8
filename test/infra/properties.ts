import { exportsOf, type Template } from './synthesized.ts';

/** What is known of a stage's resources, as text: by resource, then by property. */
type Facts = Map<string, Map<string, string>>;

/**
 * What changes with each release, or is said in a file of its own: code, the texts of alarms, dashboards, schemas of events, columns
 * of the warehouse, state machines, the newest migration.
 */
const leftOut =
  /^(Tags|UserPoolTags|Code|Description|AlarmDescription|AlarmRule|DashboardBody|Content|Newest|DefinitionString|TableInput\.StorageDescriptor\.Columns|TableInput\.Description)\b/;

/**
 * The properties of a stage's resources, a line each: a type's that all of its resources have once, the others by resource. Two
 * releases that deploy the same have the same text.
 */
export function propertiesOf(templates: [string, Template][], stage: string): string {
  const facts = factsOf(templates, stage);
  const types = Map.groupBy(facts, ([name]) => name.slice(0, name.indexOf(' ')));
  return [...types]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([type, resources]) => describe(type, new Map(resources)))
    .join('\n')
    .concat('\n');
}

/** What another stage has differently, grouped by property: `from → to`, and the resources that it is so for. */
export function differences(
  templates: [string, Template][],
  stage: string,
  from: { templates: [string, Template][]; stage: string },
): string {
  const [here, there] = [factsOf(templates, stage), factsOf(from.templates, from.stage)];
  const lines = new Map<string, string[]>();
  const note = (line: string, name: string) => lines.set(line, [...(lines.get(line) ?? []), name]);
  for (const name of new Set([...there.keys(), ...here.keys()])) {
    const [type, id] = name.split(' ') as [string, string];
    const [is, was] = [here.get(name), there.get(name)];
    if (is === undefined || was === undefined) {
      note(`${type}, ${is === undefined ? 'not here' : 'only here'}`, id);
      if (was === undefined) for (const [path, value] of is!) note(`${type} ${path}: ${value}`, id);
      continue;
    }
    for (const path of new Set([...was.keys(), ...is.keys()])) {
      const [before, after] = [was.get(path) ?? 'none', is.get(path) ?? 'none'];
      if (before !== after) note(`${type} ${path}: ${before} → ${after}`, id);
    }
  }
  const counts = Map.groupBy(here.keys(), (name) => name.split(' ')[0]!);
  return [...lines]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([line, ids]) => {
      const all = counts.get(line.split(/[ ,]/)[0]!)?.length;
      return [line, ...(ids.length === all && all > 1 ? [`  all ${all}`] : ids.toSorted().map((id) => `  ${id}`))];
    })
    .join('\n')
    .concat('\n');
}

/** A type's properties that all have, those that are the same wherever they are, and what is left of each resource. */
function describe(type: string, resources: Facts): string[] {
  const values = new Map<string, string[]>();
  for (const [, paths] of resources)
    for (const [path, value] of paths) values.set(path, [...(values.get(path) ?? []), value]);
  const usual = new Map<string, string>();
  const somewhere = new Map<string, string>();
  for (const [path, held] of values) {
    const [value, count] = mostOf(held);
    const counted = value !== '' || path.startsWith('assumed:');
    if (counted && count > 2 && count > resources.size / 2) usual.set(path, value);
    else if (held.length > 2 && count === held.length && value !== '' && !path.endsWith('Policy'))
      somewhere.set(path, value);
  }
  const lines = (paths: Iterable<[string, string]>) =>
    [...paths]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, value]) => (value === '' ? path : `${path} = ${value}`));
  const block = (title: string, said: string[]) =>
    said.length === 0 ? [] : [title, ...said.map((line) => `  ${line}`)];
  return [
    ...block(`${type}, unless said otherwise`, lines(usual)),
    ...block(`${type}, where it is named`, lines(somewhere)),
    ...[...resources]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, paths]) => {
        const none = [...usual.keys()].filter((path) => !paths.has(path)).map((path) => `no ${path}`);
        const own = lines([...paths].filter(([path, value]) => usual.get(path) !== value && !somewhere.has(path)));
        const named = [...paths.keys()].filter((path) => somewhere.has(path)).toSorted();
        const said = [...own, ...none.toSorted(), ...(named.length === 0 ? [] : [`with ${named.join(', ')}`])];
        return said.length < 2 || said.join().length < 120
          ? [[name, said.join('; ')].filter(Boolean).join(': ')]
          : block(name, said);
      }),
  ];
}

function mostOf(values: string[]): [value: string, count: number] {
  const counts = [...Map.groupBy(values, (value) => value)].map(
    ([value, all]) => [value, all.length] as [string, number],
  );
  return counts.reduce((most, each) => (each[1] > most[1] ? each : most));
}

function factsOf(templates: [string, Template][], stage: string): Facts {
  const exported = exportsOf(templates);
  const facts: Facts = new Map();
  for (const [, { Resources }] of templates) {
    for (const [id, { Type, Properties = {}, DeletionPolicy, UpdateReplacePolicy }] of Object.entries(Resources)) {
      const paths = new Map<string, string>();
      const said = (value: unknown): string => textOf(value, exported).replaceAll(stageName(stage), '$1<stage>');
      const walk = (path: string, value: unknown): void => {
        const name = path.slice(path.lastIndexOf('.') + 1);
        if (leftOut.test(path)) return;
        if (path === 'Environment.Variables') {
          for (const [variable, each] of Object.entries(value as object))
            if (variable !== 'RELEASE') paths.set(variable, said(each));
        } else if (name === 'Statement') {
          for (const statement of [value].flat()) paths.set(rule(path, statement, said), '');
        } else if (path === 'Metrics') {
          for (const metric of value as Metric[]) paths.set(measured(metric, said), '');
        } else if (isPlain(value)) {
          for (const [key, each] of Object.entries(value)) walk(path === '' ? key : `${path}.${key}`, each);
        } else if (Array.isArray(value) && value.some(isPlain)) {
          for (const [index, each] of value.entries()) walk(`${path}[${index}]`, each);
        } else if (name !== 'Version' && !/^Policies.*PolicyName$/.test(path)) paths.set(path, said(value));
      };
      walk('', { ...Properties, ...kept({ DeletionPolicy, UpdateReplacePolicy }) });
      facts.set(`${Type.replace('AWS::', '')} ${plainId(id)}`, paths);
    }
  }
  return facts;
}

/** What is not deleted with its stack, or when it is replaced. */
const kept = (policies: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(policies).flatMap(([name, value]) =>
      value === undefined || value === 'Delete' ? [] : [[name, value]],
    ),
  );

/** The stage's name where it stands in the name of a resource. */
const stageName = (stage: string) => new RegExp(`(counterfoil[-_/]|^)${stage}(?=[-_/]|$)`, 'g');

/** A logical id without the hashes that CDK adds, of which those of versions are of the code. */
const plainId = (id: string): string =>
  id.replace(/(CurrentVersion[0-9A-F]{8}[0-9a-f]{32}|[0-9A-F]{8})$/, (hash) =>
    hash.startsWith('C') && hash.length > 20 ? 'CurrentVersion' : '',
  );

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isIntrinsic(value);

const isIntrinsic = (value: object): boolean =>
  Object.keys(value).length === 1 && /^(Ref|Fn::)/.test(Object.keys(value)[0]!);

/** A statement of a policy, in a line. */
function rule(path: string, statement: unknown, said: (value: unknown) => string): string {
  const { Effect, Action, NotAction, Resource, Principal, Condition, ...rest } = statement as Record<string, unknown>;
  return [
    ...(path.startsWith('AssumeRole') ? ['assumed:'] : []),
    String(Effect).toLowerCase(),
    ...(NotAction === undefined ? [] : [`all but ${said(NotAction)}`]),
    ...(Action === undefined ? [] : [said(Action)]),
    ...(Resource === undefined ? [] : [`on ${said(Resource)}`]),
    ...(Principal === undefined ? [] : [`by ${said(Principal)}`]),
    ...(Condition === undefined ? [] : [`if ${said(Condition)}`]),
    ...Object.entries(rest).map(([name, value]) => `${name} ${said(value)}`),
  ].join(' ');
}

type Metric = {
  Id: string;
  Expression?: unknown;
  MetricStat?: {
    Metric: { Namespace: string; MetricName: string; Dimensions?: { Name: string; Value: unknown }[] };
    Period: number;
    Stat: string;
  };
  Period?: number;
  ReturnData?: boolean;
};

/** One of the metrics of an alarm, in a line. */
function measured(
  { Id, Expression, MetricStat, Period, ReturnData }: Metric,
  said: (value: unknown) => string,
): string {
  const decides = ReturnData === false ? '' : ', which decides';
  if (MetricStat === undefined)
    return `metric ${Id}: ${said(Expression)}${Period === undefined ? '' : ` each ${Period} s`}${decides}`;
  const { Metric, Stat } = MetricStat;
  const dimensions = (Metric.Dimensions ?? []).map(({ Name, Value }) => `${Name} ${said(Value)}`).join(', ');
  return `metric ${Id}: ${Stat} of ${Metric.Namespace}/${Metric.MetricName} {${dimensions}} each ${MetricStat.Period} s${decides}`;
}

/** A value with what it refers to by name. */
function textOf(value: unknown, exported: Map<string, unknown>): string {
  const text = (each: unknown): string => textOf(each, exported);
  if (Array.isArray(value)) return value.map(text).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, inner] = ['', undefined]] = Object.entries(value) as [string, unknown][];
  if (!isIntrinsic(value))
    return Object.entries(value)
      .map(([key, each]) => `${key}: ${text(each)}`)
      .join('; ');
  if (name === 'Ref') return plainId(String(inner)).replace('AWS::', '$');
  if (name === 'Fn::GetAtt') return (inner as string[]).map(plainId).join('.');
  if (name === 'Fn::ImportValue') return text(exported.get(String(inner)) ?? inner);
  if (name === 'Fn::Join') return (inner as [string, unknown[]])[1].map(text).join((inner as [string])[0]);
  return `${name.replace('Fn::', '')}(${text(inner)})`;
}
