/** A metric as CloudWatch identifies it. Dimensions are an object of their names and values. */
export type MetricKey = { namespace: string; name: string; dimensions: Readonly<Record<string, string>> };

/** Values by time in milliseconds since the epoch, ascending. */
export type Series = ReadonlyMap<number, number>;

/** The times in milliseconds since the epoch that a series may have values at, each the beginning of a period. */
export type Grid = { from: number; to: number; period: number };

type Samples = { key: MetricKey; times: number[]; values: number[] };

const keepMs = 3 * 3600_000;
const mostSamples = 50_000;

const idOf = ({ namespace, name, dimensions }: MetricKey): string =>
  [namespace, name, ...Object.entries(dimensions).toSorted().flat()].join('\u0000');

/** Keeps what was measured in the last three hours, each sample as it came. */
export class MetricStore {
  readonly #samples = new Map<string, Samples>();

  /** Adds a measurement made at a time in milliseconds since the epoch. */
  add(key: MetricKey, time: number, value: number): void {
    const id = idOf(key);
    let samples = this.#samples.get(id);
    if (samples === undefined) {
      samples = { key, times: [], values: [] };
      this.#samples.set(id, samples);
    }
    const { times, values } = samples;
    times.push(time);
    values.push(value);
    if (times.length > mostSamples || times[0]! < time - 2 * keepMs) {
      const old = Math.max(times.length - mostSamples, 0);
      const drop = Math.max(
        old,
        times.findIndex((each) => each >= time - keepMs),
      );
      times.splice(0, drop);
      values.splice(0, drop);
    }
  }

  /** Replaces what is known of a metric, for what can be read as a whole. */
  replace(key: MetricKey, times: readonly number[]): void {
    this.#samples.set(idOf(key), { key, times: [...times], values: times.map(() => 1) });
  }

  /** A metric's statistic for each period in which something was measured. @throws TypeError for an unknown statistic */
  read(key: MetricKey, statistic: string, { from, to, period }: Grid): Series {
    const calculate = statisticOf(statistic);
    const { times = [], values = [] } = this.#samples.get(idOf(key)) ?? {};
    const groups = new Map<number, number[]>();
    // Times are almost in order: lines of one log, of several writers.
    for (let i = times.length - 1; i >= 0 && times[i]! >= from - 60_000; i--) {
      const time = times[i]!;
      if (time < from || time >= to) continue;
      const start = from + Math.floor((time - from) / period) * period;
      const group = groups.get(start);
      if (group === undefined) groups.set(start, [values[i]!]);
      else group.push(values[i]!);
    }
    return new Map([...groups].toSorted(([one], [other]) => one - other).map(([at, group]) => [at, calculate(group)]));
  }

  /** Every metric with this name and exactly these dimensions, as CloudWatch's search by schema finds them. */
  find(namespace: string, name: string, dimensions: readonly string[]): MetricKey[] {
    const wanted = dimensions.toSorted().join();
    return [...this.#samples.values()]
      .map(({ key }) => key)
      .filter(
        (key) =>
          key.namespace === namespace && key.name === name && Object.keys(key.dimensions).toSorted().join() === wanted,
      );
  }
}

/** @throws TypeError for a statistic that CloudWatch has and this does not */
export function statisticOf(name: string): (values: readonly number[]) => number {
  const percentile = /^p(\d{1,2}(?:\.\d+)?)$/.exec(name)?.[1];
  if (percentile !== undefined) {
    return (values) => {
      const sorted = values.toSorted((one, other) => one - other);
      return sorted[Math.max(0, Math.ceil((Number(percentile) / 100) * sorted.length) - 1)]!;
    };
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const known: Record<string, (values: readonly number[]) => number> = {
    Sum: sum,
    SampleCount: (values) => values.length,
    Average: (values) => sum(values) / values.length,
    Maximum: (values) => values.reduce((most, value) => Math.max(most, value), -Infinity),
    Minimum: (values) => values.reduce((least, value) => Math.min(least, value), Infinity),
  };
  const found = known[name];
  if (found === undefined) throw new TypeError(`The statistic ${name} cannot be calculated here.`);
  return found;
}
