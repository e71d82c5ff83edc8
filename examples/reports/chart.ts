import uPlot from 'uplot';
import { element } from '../web-shop/dom.ts';

/** Figures of groups that follow each other in time. */
export type Bars = {
  title: string;
  /** Of each bar: in full, and short for the axis. */
  labels: readonly { full: string; short: string }[];
  values: readonly number[];
  format(value: number): string;
  /** For the axis, where there is little room. */
  formatShort(value: number): string;
};

const height = 240;
/** How many bars from one name on the axis to the next. */
const increments = [1, 2, 3, 7, 14, 28, 61, 91, 182, 365, 730, 1461];

/**
 * A chart of bars. The pointer and the arrow keys go through them, and each is read out below: to a reader of the screen it is a
 * slider. The table beside it has the same figures.
 */
export function chart(bars: Bars): HTMLElement {
  const { title, labels, values } = bars;
  const readout = element('p', { className: 'readout' }, 'Point at a bar, or use the arrow keys.');
  const place = element('div', { className: 'chart', tabIndex: 0, role: 'slider' });
  place.ariaLabel = title;
  place.ariaValueMin = '0';
  place.ariaValueMax = String(values.length - 1);
  let drawn: uPlot | undefined;

  const select = (index: number) => {
    const text = `${labels[index]!.full}: ${bars.format(values[index]!)}`;
    readout.textContent = text;
    place.ariaValueNow = String(index);
    place.ariaValueText = text;
  };
  const moveTo = (index: number) => {
    const to = Math.max(0, Math.min(values.length - 1, index));
    drawn?.setCursor({ left: drawn.valToPos(to, 'x'), top: height / 2 });
    select(to);
  };
  select(values.length - 1);
  place.addEventListener('keydown', (event) => {
    const now = Number(place.ariaValueNow);
    const to = steps[event.key]?.(now, values.length - 1);
    if (to === undefined) return;
    event.preventDefault();
    moveTo(to);
  });

  // Drawn once it has a width, and anew in the colours of the other scheme.
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => drawn?.redraw();
  dark.addEventListener('change', redraw);
  const fit = new ResizeObserver(() => {
    if (!place.isConnected) {
      fit.disconnect();
      dark.removeEventListener('change', redraw);
      drawn?.destroy();
    } else if (drawn === undefined) {
      drawn = new uPlot(optionsOf(bars, place, readout, select), [values.map((_, i) => i), [...values]], place);
    } else drawn.setSize({ width: place.clientWidth, height });
  });
  fit.observe(place);
  return element('div', {}, place, readout);
}

const steps: Readonly<Record<string, (now: number, last: number) => number>> = {
  ArrowLeft: (now) => now - 1,
  ArrowDown: (now) => now - 1,
  ArrowRight: (now) => now + 1,
  ArrowUp: (now) => now + 1,
  PageDown: (now) => now - 7,
  PageUp: (now) => now + 7,
  Home: () => 0,
  End: (_, last) => last,
};

function optionsOf(
  { labels, values, formatShort }: Bars,
  place: HTMLElement,
  readout: HTMLElement,
  select: (index: number) => void,
): uPlot.Options {
  // A canvas does not know the variables of the style sheet.
  const bar = () => getComputedStyle(place).color;
  const text = () => getComputedStyle(readout).color;
  const line = () => getComputedStyle(place).borderTopColor;
  const font = '12px system-ui, sans-serif';
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { show: false }, font };
  return {
    width: place.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    padding: [12, 8, 0, 0],
    scales: {
      x: { time: false, range: [-0.5, values.length - 0.5] },
      y: { range: (_, least, most) => [Math.min(0, least * 1.08), most > 0 ? most * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 84,
        size: 28,
        incrs: increments,
        values: (_, splits) => splits.map((index) => labels[index]?.short ?? ''),
      },
      { ...axis, size: 72, values: (_, splits) => splits.map(formatShort) },
    ],
    series: [
      {},
      { stroke: bar, fill: bar, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.75, 48] }) },
    ],
    hooks: {
      setCursor: [({ cursor: { idx } }) => idx !== null && idx !== undefined && select(idx)],
    },
  };
}
