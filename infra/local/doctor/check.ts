import type { DatabaseRole } from '../../../lib/contract/deploy/roles.ts';
import type { Sql } from '../../../lib/platform/sql.ts';

/** What a check found, and what to do about it. */
export type Finding = {
  level: 'ok' | 'warn' | 'fail';
  /** What is the case and what it means, in a sentence or two. */
  text: string;
  /** The command, or the step, that mends it. */
  mend?: string;
  /** The page that explains it, from the root of the repository. */
  page?: string;
};

/** What the doctor looks at. */
export type Patient = {
  /** Address of the API; undefined when nobody named one. */
  url: string | undefined;
  /** The folder of a laptop's stack; undefined for a stage on AWS. */
  directory: string | undefined;
  /** The time by the stage's clock, in milliseconds since the epoch; a laptop's may be ahead of the machine's. */
  now(): number;
  sql(role: DatabaseRole): Sql;
};

export type Check = {
  name: string;
  /** Checks without which this one cannot be made. It is left out when one of them failed. */
  needs?: readonly string[];
  run(patient: Patient): Promise<Finding | Finding[]>;
};

export const ok = (text: string): Finding => ({ level: 'ok', text });
export const warn = (text: string, mend?: string, page?: string): Finding => finding('warn', text, mend, page);
export const fail = (text: string, mend?: string, page?: string): Finding => finding('fail', text, mend, page);

const finding = (level: Finding['level'], text: string, mend?: string, page?: string): Finding => ({
  level,
  text,
  ...(mend === undefined ? {} : { mend }),
  ...(page === undefined ? {} : { page }),
});

/** `1 order`, `2 orders`. */
export const count = (many: number, one: string, several = `${one}s`): string =>
  `${many} ${many === 1 ? one : several}`;

/** A duration for people, from milliseconds. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return count(seconds, 'second');
  if (seconds < 2 * 3600) return count(Math.round(seconds / 60), 'minute');
  return seconds < 2 * 86_400 ? count(Math.round(seconds / 3600), 'hour') : count(Math.round(seconds / 86_400), 'day');
}
