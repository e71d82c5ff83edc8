import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { collect } from '../../infra/local/console/collect.ts';
import { readTemplate } from '../../infra/local/console/dashboard.ts';
import type { LogLine } from '../../infra/local/console/log-tail.ts';
import { MetricStore } from '../../infra/local/console/metric-store.ts';
import { evaluateAlarms } from '../../infra/local/console/overview.ts';
import { liveAlias } from '../../lib/contract/deploy/route.ts';
import type { Emulator } from './emulator.ts';
import { setAlarm } from './held.ts';

/** A run of a function, as emulator/functions.py writes it to `runs.jsonl`. */
type Run = { function: string; version: string; error: boolean; milliseconds: number; at: number; text: string };

/**
 * CloudWatch for the alarms of canaries, which MiniStack does not evaluate: what functions printed and how their versions ran
 * becomes metrics, and an alarm of the deployed templates that rings is set. Metrics and alarms are worked out by the code of the
 * console.
 * @param names part of the names of the alarms to watch
 * @returns when the signal says so, the alarms that rang; they are well again
 */
export async function watchAlarms(emulator: Emulator, names: RegExp, signal: AbortSignal): Promise<string[]> {
  const store = new MetricStore();
  const rang: string[] = [];
  const since = Date.now();
  let read = 0;
  while (!signal.aborted) {
    const { runs, end } = await runsAfter(join(emulator.home, 'runs.jsonl'), read);
    read = end;
    for (const each of runs) measure(store, each);
    const views = evaluateAlarms({ store, since, measures: () => true }, alarmsIn(emulator.home, names), Date.now());
    for (const { name, state } of views) {
      if (state !== 'alarm' || rang.includes(name)) continue;
      rang.push(name);
      await setAlarm(emulator, name, 'ALARM');
    }
    await sleep(300, undefined, { signal }).catch(() => undefined);
  }
  for (const name of rang) await setAlarm(emulator, name, 'OK');
  return rang;
}

function alarmsIn(home: string, names: RegExp) {
  const file = join(home, 'alarms.json');
  const all = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, { AlarmName: string }>) : {};
  const Resources = Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => names.test(name))
      .map(([name, Properties]) => [name, { Type: 'AWS::CloudWatch::Alarm', Properties }]),
  );
  const { alarms, composites } = readTemplate({ Resources });
  return { alarms: alarms.map((alarm, index) => ({ ...alarm, name: Object.keys(Resources)[index]! })), composites };
}

async function runsAfter(file: string, start: number): Promise<{ runs: Run[]; end: number }> {
  if (!existsSync(file) || (await stat(file)).size <= start) return { runs: [], end: start };
  const added = await text(createReadStream(file, { start }));
  const whole = added.slice(0, added.lastIndexOf('\n') + 1);
  const runs = whole.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line) as Run)));
  return { runs, end: start + Buffer.byteLength(whole) };
}

/** What Lambda measures of a version that was called by its alias, and what the function printed itself. */
function measure(store: MetricStore, { function: name, version, error, milliseconds, at, text: printed }: Run): void {
  for (const line of printed.split('\n').filter((each) => each.startsWith('{'))) {
    const parsed = parse(line);
    if (parsed?._aws !== undefined) collect(store, parsed, at);
  }
  if (version === '$LATEST') return;
  const called = { FunctionName: name, Resource: `${name}:${liveAlias}` };
  for (const dimensions of [called, { ...called, ExecutedVersion: version }]) {
    const add = (metric: string, value: number) =>
      store.add({ namespace: 'AWS/Lambda', name: metric, dimensions }, at, value);
    add('Invocations', 1);
    add('Errors', Number(error));
    add('Duration', milliseconds);
  }
}

function parse(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}
