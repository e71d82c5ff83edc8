import { type Change, rules } from './change.ts';

/** A breaking change that is meant, and why. */
export type Exception = { rule: string; where: string; reason: string };

/** What is wrong: changes that no exception allows, and exceptions that allow nothing or do not say why. */
export function findings(changes: readonly Change[], exceptions: readonly Exception[]): string[] {
  const allows = (exception: Exception) => (change: Change) =>
    change.rule === exception.rule && change.where === exception.where;
  return [
    ...changes
      .filter((change) => !exceptions.some((exception) => allows(exception)(change)))
      .map(({ rule, where, what }) => `${where} ${what} [${rule}]`),
    ...exceptions.flatMap((exception) => {
      const { rule, where, reason } = exception;
      if (!Object.hasOwn(rules, rule)) return [`exception for ${where}: ${rule} is no rule`];
      if (!changes.some(allows(exception))) return [`exception for ${where}: nothing needs it [${rule}]`];
      return reason.length < 10 ? [`exception for ${where} has no reason [${rule}]`] : [];
    }),
  ];
}
