import { consumers } from '../../../functions/consumers.ts';
import { jobs } from '../../../functions/jobs.ts';
import { routes } from '../../../functions/routes.ts';
import { steps } from '../../../functions/steps.ts';
import { streams } from '../../../functions/streams.ts';
import type { LogLine } from './log-tail.ts';
import type { MetricStore } from './metric-store.ts';

/** Takes what was measured: a metric, its time in milliseconds since the epoch, its value. */
type Measured = Pick<MetricStore, 'add'>;

type EmfMetric = { Name: string };
type Emf = {
  Timestamp: number;
  CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: EmfMetric[] }[];
};

/**
 * Measures what a line of the functions' log says: metrics in CloudWatch's embedded format, and what AWS would measure of the
 * HTTP API and of functions. Times are of the machine, whatever the test clock shows.
 * @param now milliseconds since the epoch; a line whose time lies after it was written just now
 */
export function collect(store: Measured, line: LogLine, now: number): void {
  if (line._aws !== undefined) {
    collectEmf(store, line, line._aws as Emf);
    return;
  }
  const at = Math.min(now, Date.parse(String(line.timestamp)) || now);
  const { status, milliseconds, accessId } = line;
  if (typeof accessId === 'string' && typeof status === 'number') {
    const add = (name: string, value: number) =>
      store.add({ namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: 'local' } }, at, value);
    add('Count', 1);
    add('4xx', Number(status >= 400 && status < 500));
    add('5xx', Number(status >= 500));
    add('Latency', Number(milliseconds));
    // An answer is no error of its function, whatever its status.
    const route = routes[line.operation as keyof typeof routes];
    if (route !== undefined) addRun(store, route.handler, at, true, milliseconds);
    return;
  }
  const run = runOf(line);
  if (run !== undefined) addRun(store, run.handler, at, run.well, milliseconds);
}

function addRun(store: Measured, handler: string, at: number, well: boolean, milliseconds: unknown): void {
  const add = (name: string, value: number) =>
    store.add({ namespace: 'AWS/Lambda', name, dimensions: { FunctionName: handler } }, at, value);
  add('Invocations', 1);
  add('Errors', Number(!well));
  if (typeof milliseconds === 'number') add('Duration', milliseconds);
}

function collectEmf(store: Measured, line: LogLine, { Timestamp, CloudWatchMetrics }: Emf): void {
  for (const { Namespace: namespace, Dimensions, Metrics } of CloudWatchMetrics) {
    for (const names of Dimensions) {
      const dimensions = Object.fromEntries(names.map((name) => [name, String(line[name])]));
      for (const { Name: name } of Metrics) {
        for (const value of [line[name]].flat()) store.add({ namespace, name, dimensions }, Timestamp, Number(value));
      }
    }
  }
}

/** The line that ends a run of a job, a step, a stream or a consumer. */
const ends: Readonly<Record<string, boolean>> = {
  'job done': true,
  'job failed': false,
  'step done': true,
  'step refused': false,
  'step failed': false,
  'event consumed': true,
  'event not consumed': false,
  'lines processed': true,
  'lines not processed': false,
};

/** The handler that a line is the end of a run of, and whether the run went well. Lambda counts a refusal as an error, too. */
function runOf({ message, job, step, consumer, stream }: LogLine): { handler: string; well: boolean } | undefined {
  const well = ends[String(message)];
  if (well === undefined) return undefined;
  const row =
    jobs[job as keyof typeof jobs] ??
    steps[step as keyof typeof steps] ??
    consumers[consumer as keyof typeof consumers] ??
    streams[stream as keyof typeof streams];
  return row && { handler: row.handler, well };
}
