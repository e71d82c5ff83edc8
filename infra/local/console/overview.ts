import type { AlarmDefinition, CompositeDefinition, Dashboard, Term, Widget } from './dashboard.ts';
import type { LogTable } from './log-query.ts';
import type { LogLine } from './log-tail.ts';
import { evaluateMath, type LabelledSeries, type MathScope, type Value } from './metric-math.ts';
import type { Grid, MetricKey, MetricStore, Series } from './metric-store.ts';

export type Line = { label: string; right: boolean; points: (number | null)[] };
export type AlarmState = 'alarm' | 'ok' | 'waiting' | 'unmeasured';
export type AlarmView = {
  name: string;
  description: string;
  state: AlarmState;
  value: number | null;
  threshold: number;
};

type Place = { x: number; y: number; width: number; height: number };
export type WidgetView = Place &
  (
    | { type: 'text'; markdown: string }
    | { type: 'alarm'; title: string; alarms: AlarmView[] }
    | { type: 'log'; title: string; table: LogTable }
    | {
        type: 'metric';
        title: string;
        single: boolean;
        stacked: boolean;
        lines: Line[];
        /** Nothing on a laptop measures any of it. */
        unmeasured: boolean;
      }
  );
export type OverviewView = {
  /** Seconds since the epoch, as the graphs want them. */
  times: number[];
  dashboards: { name: string; widgets: WidgetView[] }[];
};

export type OverviewDeps = {
  store: MetricStore;
  lines: () => readonly LogLine[];
  dashboards: readonly Dashboard[];
  alarms: readonly AlarmDefinition[];
  composites: readonly CompositeDefinition[];
  /** When the stack was started, in milliseconds since the epoch: before that, silence says nothing. */
  since: number;
};

/** Ranges that can be chosen, in minutes, each with the seconds of a period. */
export const ranges: Readonly<Record<string, number>> = { 5: 5, 15: 15, 60: 60, 180: 180 };

/** What the dashboards show of the last so many minutes. As with `auto` on CloudWatch, the period follows from the range. */
export function drawOverview(deps: OverviewDeps, minutes: string, now: number): OverviewView {
  const period = (ranges[minutes] ?? 15) * 1000;
  const to = Math.ceil((now + 1) / period) * period;
  const grid = { from: to - Number(minutes) * 60_000, to, period };
  const times = timesOf(grid);
  const alarms = new Map(evaluateAlarms(deps, deps, now).map((alarm) => [alarm.name, alarm]));
  return {
    times: times.map((time) => time / 1000),
    dashboards: deps.dashboards.map(({ name, widgets }) => ({
      name,
      widgets: widgets.map((widget) => draw(widget, deps, grid, alarms)),
    })),
  };
}

function timesOf({ from, to, period }: Grid): number[] {
  return Array.from({ length: Math.round((to - from) / period) }, (_, i) => from + i * period);
}

function draw(widget: Widget, deps: OverviewDeps, grid: Grid, alarms: ReadonlyMap<string, AlarmView>): WidgetView {
  const { x, y, width, height } = widget;
  const place = { x, y, width, height };
  switch (widget.type) {
    case 'text':
      return { ...place, type: 'text', markdown: widget.markdown };
    case 'alarm':
      return {
        ...place,
        type: 'alarm',
        title: widget.title,
        alarms: [...widget.alarms, ...deps.composites.map(({ name }) => name)].flatMap(
          (name) => alarms.get(name) ?? [],
        ),
      };
    case 'log': {
      const recent = deps.lines().filter(({ timestamp }) => Date.parse(String(timestamp)) >= grid.from);
      return { ...place, type: 'log', title: widget.title, table: widget.run(recent) };
    }
    case 'metric': {
      const { title, single, stacked, terms } = widget;
      const own = single ? { ...grid, period: grid.to - grid.from } : grid;
      const drawn = drawTerms(terms, own, deps.store);
      // Of many parts of a whole, those that are nothing only take room.
      const lines = stacked && drawn.length > 6 ? drawn.filter(({ points }) => points.some(Boolean)) : drawn;
      const unmeasured = terms.every((term) => term.kind === 'metric' && !isMeasured(term.key));
      return { ...place, type: 'metric', title, single, stacked, lines, unmeasured };
    }
  }
}

/** A line for each visible term that has a value; an expression may give several. */
function drawTerms(terms: readonly Term[], grid: Grid, store: MetricStore): Line[] {
  const times = timesOf(grid);
  const scope = scopeOf(terms, grid, store);
  return terms
    .filter(({ visible }) => visible)
    .flatMap((term) => {
      const all = valuesOf(term, scope, grid, store);
      return all.map(({ label, series }) => ({
        label,
        right: term.right,
        points: times.map((time) => series.get(time) ?? null),
      }));
    })
    .filter(({ points }) => points.some((point) => point !== null));
}

function valuesOf(term: Term, scope: MathScope, grid: Grid, store: MetricStore): LabelledSeries[] {
  const { label } = term;
  if (term.kind === 'metric') return [{ label, series: store.read(term.key, term.statistic, grid) }];
  const value: Value = evaluateMath(term.expression, scope);
  if (Array.isArray(value)) return value;
  const series = typeof value === 'number' ? new Map(scope.times.map((time) => [time, value])) : value;
  return [{ label, series }];
}

/** What expressions among these terms may refer to. */
function scopeOf(terms: readonly Term[], grid: Grid, store: MetricStore): MathScope {
  const read = (term: Term): Series | undefined =>
    term.kind === 'metric' ? store.read(term.key, term.statistic, grid) : undefined;
  return {
    times: timesOf(grid),
    metric(id) {
      const term = terms.find((each) => each.id === id);
      return term && read(term);
    },
    metrics: () =>
      terms.flatMap((term) => {
        const series = read(term);
        return series === undefined ? [] : [{ label: term.label, series }];
      }),
    search(expression, statistic) {
      const [, schema, name, stage] = /^\{([^}]+)\} MetricName="([^"]+)" stage="([^"]+)"$/.exec(expression) ?? [];
      const [namespace, ...dimensions] = (schema ?? '').split(',');
      if (namespace === undefined || name === undefined || stage === undefined)
        throw new TypeError(`The search ${expression} is not known here.`);
      const found = store.find(namespace, name, dimensions).filter((key) => key.dimensions.stage === stage);
      return found.map((key) => ({
        label: dimensions
          .filter((dimension) => dimension !== 'service' && dimension !== 'stage')
          .map((dimension) => key.dimensions[dimension])
          .join(' '),
        series: store.read(key, statistic, grid),
      }));
    },
  };
}

export type AlarmDeps = Pick<OverviewDeps, 'store' | 'since'> & {
  /** Whether anything measures a metric; by default what a laptop measures. */
  measures?: (key: MetricKey) => boolean;
};

/** The states of all alarms now; those that are made of others come last. */
export function evaluateAlarms(
  deps: AlarmDeps,
  { alarms, composites }: Pick<OverviewDeps, 'alarms' | 'composites'>,
  now: number,
): AlarmView[] {
  const views = alarms.map((alarm) => evaluateAlarm(deps, alarm, now));
  const ringing = new Set(views.filter(({ state }) => state === 'alarm').map(({ name }) => name));
  const combined = composites.map(({ name, description, anyOf }): AlarmView => {
    const rings = anyOf.filter((group) => group.every((each) => ringing.has(each))).length;
    return { name, description, state: rings > 0 ? 'alarm' : 'ok', value: rings, threshold: 1 };
  });
  return [...views, ...combined];
}

/** The state of an alarm now: over its last periods, of which the newest is under way. */
function evaluateAlarm(
  { store, since, measures = isMeasured }: AlarmDeps,
  alarm: AlarmDefinition,
  now: number,
): AlarmView {
  const { name, description, terms, below, threshold, periods, bad, silenceIsBad, period } = alarm;
  const view = (state: AlarmState, value: number | null): AlarmView => ({ name, description, state, value, threshold });
  if (terms.every((term) => term.kind === 'expression' || !measures(term.key))) return view('unmeasured', null);
  const grid = { from: now + 1 - periods * period, to: now + 1, period };
  const [line] = drawTerms(terms, grid, store);
  const times = timesOf(grid);
  const points: (number | null)[] = line?.points ?? times.map(() => null);
  const breaches = points.filter((point, i) => {
    if (point === null) return silenceIsBad && times[i]! >= since;
    return below ? point < threshold : point >= threshold;
  }).length;
  const last = points.findLast((point) => point !== null) ?? null;
  if (breaches >= bad) return view('alarm', last);
  return view(silenceIsBad && last === null ? 'waiting' : 'ok', last);
}

const measured: Readonly<Record<string, readonly string[]>> = {
  'AWS/ApiGateway': ['Count', '4xx', '5xx', 'Latency'],
  'AWS/Lambda': ['Invocations', 'Errors', 'Duration'],
  'AWS/States': [
    'ExecutionsStarted',
    'ExecutionsSucceeded',
    'ExecutionsFailed',
    'ExecutionsTimedOut',
    'ExecutionsAborted',
  ],
  'AWS/RDS': ['DatabaseConnections', 'ClientConnections', 'DBLoad'],
};

/** Whether anything on a laptop measures it: the code itself, or what stands in for the part of AWS. */
function isMeasured({ namespace, name, dimensions }: MetricKey): boolean {
  if (namespace === 'AWS/SQS') return dimensions.QueueName === 'events';
  return !namespace.startsWith('AWS/') || measured[namespace]?.includes(name) === true;
}
