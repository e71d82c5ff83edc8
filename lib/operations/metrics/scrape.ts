import type { MetricName } from '../../contract/deploy/metrics.ts';
import { prometheusOf } from '../../contract/deploy/prometheus.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { MetricSource, Published, Wanted } from './cloudwatch.gateway.ts';
import { type Family, type Sample, textOf } from './text.ts';

const [minute, day] = [60, 86_400];
/** Some jobs report once an hour. */
const recentMs = 65 * 60_000;
/** Statistics of CloudWatch, and the quantiles that they are. */
const quantiles = { p50: '0.5', p99: '0.99' } as const;

/** A number to ask for, and the sample that it becomes. */
type Asked = Wanted & { sample: Omit<Sample, 'value'>; scale?: number };

/**
 * What a stage has measured, as CloudWatch knows it, for Prometheus. Counts start over at midnight in UTC, which Prometheus takes for a
 * restart: this keeps nothing. Levels and quantiles are the newest of the last hour.
 * @throws when CloudWatch does not answer
 */
export async function scrape(source: MetricSource, stage: string, clock: Clock): Promise<string> {
  const now = clock.now();
  const midnight = Math.floor(now / (day * 1000)) * day * 1000;
  const asked = (await source.list()).flatMap((one) => askedOf(one, stage));
  const ofToday = asked.filter(({ seconds }) => seconds === day);
  const recent = asked.filter(({ seconds }) => seconds !== day);
  // A period has to have begun.
  const to = Math.max(now, midnight + minute * 1000);
  const [counts, levels] = await Promise.all([
    source.newest(ofToday, midnight, to),
    source.newest(recent, now - recentMs, now),
  ]);
  const families = new Map<MetricName, Sample[]>();
  for (const [list, values] of [[ofToday, counts] as const, [recent, levels] as const]) {
    for (const [index, { of, sample, scale = 1 }] of list.entries()) {
      const value = values[index];
      if (value === undefined) continue;
      families.set(of.name, [...(families.get(of.name) ?? []), { ...sample, value: value * scale }]);
    }
  }
  return textOf([...families].map(([metric, samples]): Family => ({ metric, samples, ...typeOf(metric) })));
}

/** CloudWatch has quantiles and no buckets. */
const typeOf = (metric: MetricName): Pick<Family, 'type'> =>
  prometheusOf(metric).type === 'histogram' ? { type: 'summary' } : {};

function askedOf(of: Published, stage: string): Asked[] {
  const { type, label } = prometheusOf(of.name);
  const labels = { stage, ...(label === undefined ? {} : { [label]: of.value! }) };
  switch (type) {
    case 'counter':
      return [{ of, statistic: 'Sum', seconds: day, sample: { labels } }];
    case 'gauge':
      return [{ of, statistic: 'Maximum', seconds: minute, sample: { labels } }];
    case 'histogram':
      return [
        { of, statistic: 'Sum', seconds: day, sample: { suffix: '_sum', labels }, scale: 0.001 },
        { of, statistic: 'SampleCount', seconds: day, sample: { suffix: '_count', labels } },
        ...Object.entries(quantiles).map(([statistic, quantile]) => ({
          of,
          statistic,
          seconds: 5 * minute,
          sample: { labels: { ...labels, quantile } },
          scale: 0.001,
        })),
      ];
  }
}
