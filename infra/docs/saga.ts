import { readdirSync, readFileSync } from 'node:fs';
import { code, markdownTable } from './table.ts';

type Retry = {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  MaxAttempts?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
};
type State = { Type: string; TimeoutSeconds?: number; TimeoutSecondsPath?: string; Retry?: Retry[] };
type Machine = { TimeoutSeconds?: number; States: Record<string, State> };

const folder = new URL('../saga/', import.meta.url);

/** Time-outs and retries of every state machine and its task states, from the definitions. */
export function machineTables(): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.asl.json'));
  return files.toSorted().map(machineTable).join('\n\n');
}

function machineTable(file: string): string {
  const machine = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Machine;
  const name = file.slice(0, file.indexOf('.'));
  const total =
    machine.TimeoutSeconds === undefined ? 'has no time-out' : `ends after ${spell(machine.TimeoutSeconds)}`;
  const tasks = Object.entries(machine.States).filter(([, { Type }]) => Type === 'Task');
  return `\`${name}\` ${total}:\n\n${markdownTable(
    ['state', 'time-out of a call', 'retries'],
    tasks.map(([state, { TimeoutSeconds, TimeoutSecondsPath, Retry = [] }]) => [
      code(state),
      TimeoutSeconds === undefined ? `until ${code(TimeoutSecondsPath ?? '')}` : spell(TimeoutSeconds),
      Retry.map(describe).join('; ') || 'none',
    ]),
  )}`;
}

function describe(retry: Retry): string {
  const errors = retry.ErrorEquals.map((error) => (error === 'States.ALL' ? 'any error' : code(error))).join(', ');
  if (retry.MaxAttempts === 0) return `${errors}: never`;
  const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds } = retry;
  const longest = MaxDelaySeconds === undefined ? '' : `, at most ${spell(MaxDelaySeconds)}`;
  return `${errors}: ${MaxAttempts} times, after ${spell(IntervalSeconds)} × ${BackoffRate} each time${longest}`;
}

function spell(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 && seconds >= 120 ? `${seconds / 60} min` : `${seconds} s`;
}
