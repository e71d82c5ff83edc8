import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { AlarmView, OverviewView, WidgetView } from '../overview.ts';
import { go, html, useData, Waiting } from './lib.ts';

const ranges = [
  ['5', '5 min'],
  ['15', '15 min'],
  ['60', '1 h'],
  ['180', '3 h'],
] as const;

/** The dashboards of a deployment, drawn from the same definitions over what was measured here. */
export function Overview({ query }: { query: URLSearchParams }) {
  const range = query.get('range') ?? '15';
  const data = useData<OverviewView>(`overview?range=${encodeURIComponent(range)}`, { every: 1000 });
  const [all, setAll] = useState(false);
  const view = data.value;
  return html`
    <h1>Overview</h1>
    <div class="tools">
      <div class="filters" role="group" aria-label="Range">
        ${ranges.map(
          ([value, title]) =>
            html`<button type="button" key=${value} aria-pressed=${value === range} onClick=${() => go(`/console/overview?range=${value}`, { replace: true })}>${title}</button>`,
        )}
      </div>
      <label><input type="checkbox" checked=${all} onChange=${() => setAll(!all)} /> also what nothing was measured of</label>
    </div>
    <${Waiting} data=${data} none="Reading the dashboards from CDK…" />
    ${view?.dashboards.map(
      ({ name, widgets }) => html`
        <section class="dashboard" key=${name} aria-label=${name}>
          ${view.dashboards.length > 1 ? html`<h2 class="wide">${name}</h2>` : ''}
          ${widgets.map((widget, i) => html`<${Part} widget=${widget} times=${view.times} all=${all} key=${i} />`)}
        </section>`,
    )}`;
}

function Part({ widget, times, all }: { widget: WidgetView; times: number[]; all: boolean }) {
  const span = widget.width >= 24 ? 'wide' : widget.width > 8 ? 'two' : '';
  switch (widget.type) {
    case 'text':
      return html`<div class="text wide"><${Markdown} text=${widget.markdown} /></div>`;
    case 'alarm':
      return html`<div class="widget wide"><${Alarms} alarms=${widget.alarms} title=${widget.title} /></div>`;
    case 'log':
      return html`<div class="widget wide"><h3>${widget.title}</h3><${Table} columns=${widget.table.columns} rows=${widget.table.rows} /></div>`;
    case 'metric': {
      if (widget.lines.length === 0 && !all) return null;
      return html`
        <div class=${`widget ${span}`}>
          <h3>${widget.title}</h3>
          ${
            widget.lines.length === 0
              ? html`<p class="muted">${widget.unmeasured ? 'Only AWS measures this.' : 'Nothing yet.'}</p>`
              : widget.single
                ? html`<${Numbers} lines=${widget.lines} />`
                : html`<${Chart} widget=${widget} times=${times} />`
          }
        </div>`;
    }
  }
}

/** The headings, text and code that dashboards use of Markdown. */
function Markdown({ text }: { text: string }) {
  return text.split('\n').map((line, i) => {
    const [, title] = /^#+ (.*)$/.exec(line) ?? [];
    if (title !== undefined) return html`<h2 key=${i}>${title}</h2>`;
    return html`<p class="muted" key=${i}>${line.split('`').map((part, j) => (j % 2 === 1 ? html`<code key=${j}>${part}</code>` : part))}</p>`;
  });
}

function Alarms({ alarms, title }: { alarms: AlarmView[]; title: string }) {
  const ringing = alarms.filter(({ state }) => state === 'alarm');
  const others = {
    ok: 'quiet',
    waiting: 'waiting for a first value',
    unmeasured: 'of what only AWS measures',
  } as const;
  return html`
    <h3>${title}</h3>
    ${ringing.length === 0 ? html`<p class="good">No alarm rings.</p>` : ''}
    <ul class="alarms">${ringing.map(({ name, description, value }) => {
      const [what, page] = description.split(' What to do: ');
      return html`<li key=${name} class="notice bad"><b>${name}</b>${value === null ? '' : ` (${numberOf(value)})`} ${what}${page === undefined ? '' : html` <a href=${page}>Runbook</a>`}</li>`;
    })}</ul>
    <p class="muted">${Object.entries(others)
      .map(([state, words]) => [alarms.filter((alarm) => alarm.state === state).length, words] as const)
      .filter(([count]) => count > 0)
      .map(([count, words]) => `${count} ${words}`)
      .join(', ')}</p>
    <details><summary>All alarms</summary>
      <${Table} columns=${['alarm', 'state', 'value', 'threshold']} rows=${alarms.map(({ name, state, value, threshold }) => [name, state, value, threshold])} />
    </details>`;
}

function Table({ columns, rows }: { columns: string[]; rows: (string | number | null)[][] }) {
  if (rows.length === 0) return html`<p class="muted">Nothing yet.</p>`;
  const cell = (value: string | number | null) => (typeof value === 'number' ? numberOf(value) : (value ?? '–'));
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Table">
      <table class="list">
        <thead><tr>${columns.map((name) => html`<th key=${name}>${name}</th>`)}</tr></thead>
        <tbody>${rows.map((row, i) => html`<tr key=${i}>${row.map((value, j) => html`<td key=${j} class=${typeof value === 'number' ? 'number' : ''}>${cell(value)}</td>`)}</tr>`)}</tbody>
      </table>
    </div>`;
}

type MetricView = Extract<WidgetView, { type: 'metric' }>;

const Numbers = ({ lines }: Pick<MetricView, 'lines'>) => html`
  <dl class="numbers">${lines.map(({ label, points }) => html`<div key=${label}><dt>${label}</dt><dd>${numberOf(lastOf(points))}</dd></div>`)}</dl>`;

const lastOf = (points: readonly (number | null)[]) => points.findLast((point) => point !== null) ?? 0;

const numberOf = (value: number) =>
  new Intl.NumberFormat('en', { maximumSignificantDigits: value >= 1000 ? 6 : 3 }).format(value);

const height = 130;
const colours = 8;
/** The most lines whose names stand below a graph. */
const mostNames = 12;

function Chart({ widget, times }: { widget: MetricView; times: number[] }) {
  const { lines, stacked, title } = widget;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const labels = lines.map(({ label, right }) => `${label} ${right}`).join('\n');
  const values = dataOf(widget, times);
  useEffect(() => {
    const element = place.current!;
    const made = new uPlot(optionsOf(widget, element), values, element);
    chart.current = made;
    const fit = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    fit.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw();
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      fit.disconnect();
      made.destroy();
    };
  }, [labels, stacked]);
  useEffect(() => chart.current?.setData(values));
  return html`
    <div class="chart" ref=${place} role="img" aria-label=${`${title}. Last values: ${lines
      .slice(0, mostNames)
      .map(({ label, points }) => `${label} ${numberOf(lastOf(points))}`)
      .join(', ')}`}></div>
    <ul class="legend">${lines.slice(0, mostNames).map(({ label, points }, i) => html`<li key=${i} class=${`series${i % colours}`}>${label} <b>${numberOf(lastOf(points))}</b></li>`)}
      ${lines.length > mostNames ? html`<li>and ${lines.length - mostNames} more</li>` : ''}</ul>`;
}

/** Stacked lines stand on those before them, drawn from the highest down. */
function dataOf({ lines, stacked }: MetricView, times: number[]): uPlot.AlignedData {
  if (!stacked) return [times, ...lines.map(({ points }) => points)];
  const sums = times.map(() => 0);
  const stacks = lines.map(({ points }) => points.map((point, i) => (sums[i] = sums[i]! + (point ?? 0))));
  return [times, ...stacks.toReversed()];
}

function optionsOf({ lines, stacked }: MetricView, element: HTMLElement): uPlot.Options {
  const colour = (name: string) => () => resolved(name, element);
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const drawn = lines.map(({ right }, i) => ({ right, paint: `--series${i % colours}` }));
  const hasRight = drawn.some(({ right }) => right);
  return {
    width: Math.max(50, element.clientWidth),
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 18, 0, 0],
    scales: { y: { range: fromZero }, right: { range: fromZero } },
    axes: [
      { ...axis, space: 60, size: 22, values: clockTimes },
      { ...axis, size: 46, values: shortNumbers },
      ...(hasRight
        ? [{ ...axis, size: 46, scale: 'right', side: 1 as const, grid: { show: false }, values: shortNumbers }]
        : []),
    ],
    series: [
      {},
      ...(stacked ? drawn.toReversed() : drawn).map(({ right, paint }) => ({
        scale: right ? 'right' : 'y',
        stroke: colour(paint),
        width: 1.6,
        spanGaps: true,
        points: { show: !stacked, size: 4 },
        ...(stacked ? { fill: colour(paint) } : {}),
        ...(right ? { dash: [5, 3] } : {}),
      })),
    ],
  };
}

/** A colour of the style sheet as a canvas understands it. */
function resolved(name: string, element: HTMLElement): string {
  element.style.color = `var(${name})`;
  return getComputedStyle(element).color;
}

const clockTimes = (_: uPlot, splits: number[]) =>
  splits.map((time) => new Date(time * 1000).toISOString().slice(11, 16));
const fromZero = (_: uPlot, _least: number, most: number): [number, number] => [0, most > 0 ? most * 1.08 : 1];
const shortNumbers = (_: uPlot, splits: number[]) =>
  splits.map((value) => new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 }).format(value));
