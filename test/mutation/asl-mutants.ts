import { globSync, readFileSync } from 'node:fs';
import { testsOf } from './cover.ts';
import { distinct, lineAt, type TrialMutant } from './mutant.ts';

type Rule = Record<string, unknown> & { Next?: string; ErrorEquals?: string[]; MaxAttempts?: number };
type State = Record<string, unknown> & {
  Type: string;
  Next?: string;
  Default?: string;
  Catch?: Rule[];
  Retry?: Rule[];
  Choices?: Rule[];
};
type Machine = Record<string, unknown> & { States: Record<string, State> };

/** A state that the lab adds, so that a broken machine calls everything a success. */
const success = 'MutantEnded';

/** Each guard of the state machines taken out: what they retry, catch, wait for, decide by and remember. */
export const aslMutants = (): TrialMutant[] => globSync('infra/saga/*.asl.json').toSorted().flatMap(mutantsOf);

function mutantsOf(file: string): TrialMutant[] {
  const text = readFileSync(file, 'utf8');
  const mutants: TrialMutant[] = [];
  const machine = JSON.parse(text) as Machine;

  const add = (state: string | undefined, what: string, change: (machine: Machine, state: State) => void) => {
    const changed = structuredClone(machine);
    change(changed, changed.States[state ?? ''] as State);
    if (JSON.stringify(changed).includes(success)) changed.States[success] = { Type: 'Succeed' };
    mutants.push({
      part: 'asl',
      folder: 'infra/saga',
      file,
      line: state === undefined ? 1 : lineAt(text, text.indexOf(`"${state}": {`)),
      change: state === undefined ? what : `${state}: ${what}`,
      apply: { text: `${JSON.stringify(changed, null, 2)}\n` },
      tests: testsOf(file),
    });
  };

  add(undefined, 'no TimeoutSeconds', (changed) => delete changed.TimeoutSeconds);
  for (const [name, state] of Object.entries(machine.States)) {
    for (const field of ['TimeoutSeconds', 'ResultPath'] as const) {
      if (state[field] !== undefined) add(name, `no ${field}`, (_, changed) => delete changed[field]);
    }
    if (state.Next !== undefined && machine.States[state.Next]?.Type !== 'Succeed') {
      add(name, `Next ${state.Next} → ${success}`, (_, changed) => {
        changed.Next = success;
      });
    }
    state.Retry?.forEach((rule, i) => {
      const says = rule.MaxAttempts === 0 ? 'no more tries' : 'tries again';
      add(name, `${says} on ${rule.ErrorEquals} dropped`, (_, changed) => void changed.Retry!.splice(i, 1));
    });
    state.Catch?.forEach((rule, i) => {
      const catches = `Catch of ${rule.ErrorEquals}`;
      add(name, `${catches} dropped`, (_, changed) => void changed.Catch!.splice(i, 1));
      add(name, `${catches} → ${success}`, (_, changed) => {
        changed.Catch![i]!.Next = success;
      });
      add(name, `${catches} without ResultPath`, (_, changed) => delete changed.Catch![i]!.ResultPath);
    });
    state.Choices?.forEach((rule, i) => {
      const never = state.Default!;
      add(name, `never ${rule.Next}`, (_, changed) => {
        changed.Choices![i]!.Next = never;
      });
      add(name, `always ${rule.Next}`, (_, changed) => {
        changed.Default = rule.Next!;
      });
    });
  }
  return distinct(mutants);
}
