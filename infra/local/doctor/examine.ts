import type { Check, Finding, Patient } from './check.ts';
import { dataChecks } from './data.sql.ts';
import { databaseChecks } from './database.sql.ts';
import { explain } from './failures.ts';
import { machineChecks } from './machine.ts';
import { serviceChecks } from './services.ts';
import { shopChecks } from './shop.sql.ts';

/** Every check, each after those that it needs. */
export const checks: readonly Check[] = [
  ...machineChecks,
  ...databaseChecks,
  ...serviceChecks,
  ...dataChecks,
  ...shopChecks,
];

export type Examined = { name: string; findings: Finding[]; leftOutFor?: string };

/** Makes the checks one after the other. A check whose ground has failed is left out, so that the first failure stands out. */
export async function examine(
  patient: Patient,
  onResult: (result: Examined) => void,
  all: readonly Check[] = checks,
): Promise<Examined[]> {
  const results: Examined[] = [];
  const missing = new Set<string>();
  for (const { name, needs = [], run } of all) {
    const leftOutFor = needs.find((need) => missing.has(need));
    const findings = leftOutFor === undefined ? [await run(patient).catch((error) => explain(name, error))].flat() : [];
    if (leftOutFor !== undefined || findings.some(({ level }) => level === 'fail')) missing.add(name);
    const result = { name, findings, ...(leftOutFor === undefined ? {} : { leftOutFor }) };
    onResult(result);
    results.push(result);
  }
  return results;
}
