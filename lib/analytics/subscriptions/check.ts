import { Problem } from '../../contract/api/problems.ts';
import type { SubscriptionFields } from '../../contract/api/report-subscriptions.ts';
import type { Clock } from '../../kernel/clock.ts';
import { namedReports, parseQuery, queryFor } from '../named-reports.ts';
import { dayIn } from '../period.ts';
import { daysOf } from './range.ts';

type Asked = Pick<SubscriptionFields, 'report' | 'parameters' | 'range' | 'schedule'>;

/** What a subscription's report is asked with when it is due at a moment, and the days that it is of. */
export function queryAt({ report, parameters, range, schedule: { zone } }: Asked, dueAt: number) {
  const days = range === null ? undefined : daysOf(range, dayIn(zone, dueAt));
  return { days, query: queryFor(report, parameters, days && { ...days, zone }) };
}

/** What the range and the schedule say, and so no parameter may. */
const ofTheRange = ['from', 'to', 'zone'];

/**
 * Checks what the fields of a subscription mean together.
 * @throws Problem range-unknown, recipient-invalid, invalid-input, grouping-unknown
 */
export function checkFields(fields: SubscriptionFields, clock: Clock): void {
  const { report, range, parameters, emails, webhook } = fields;
  const { period } = namedReports[report];
  const refuse = (code: 'range-unknown' | 'recipient-invalid' | 'invalid-input', pointer: string, detail: string) => {
    throw new Problem(code, `${pointer} ${detail}.`, { errors: [{ pointer, detail }] });
  };
  if (period === undefined && range !== null) refuse('range-unknown', '/range', 'must be null: this report is of now');
  if (period !== undefined && range === null)
    refuse('range-unknown', '/range', 'is missing: this report is of a period');
  const taken = ofTheRange.find((name) => Object.hasOwn(parameters, name));
  if (taken !== undefined) refuse('invalid-input', `/parameters/${taken}`, 'is said by range and schedule');
  if (emails.length === 0 && !webhook) refuse('recipient-invalid', '/emails', 'is empty, and webhook is false');
  parseQuery(report, queryAt(fields, clock.now()).query);
}
