import { fields, folded, form, type Values } from '../back-office/forms.ts';
import { badge, card, facts, link, quiet, time, type View } from '../back-office/parts.ts';
import { element } from '../web-shop/dom.ts';
import { browserZone, zones } from './filters.ts';
import { groupings, named } from './names.ts';
import { reportView } from './refusals.ts';
import type { Reports } from './reports.ts';
import type { NewSubscription, Run, Subscription } from './requests.ts';
import { type Column, counts, figureTable, times } from './table.ts';

type Again = () => Promise<void>;

const reports = ['sales', 'margin', 'products', 'cohorts', 'customers', 'stock'] as const;
const ranges = [
  ['yesterday', 'yesterday'],
  ['last-7-days', 'the last 7 days'],
  ['last-week', 'last week'],
  ['last-30-days', 'the last 30 days'],
  ['last-month', 'last month'],
  ['month-to-date', 'this month until then'],
  ['year-to-date', 'this year until then'],
  ['last-12-months', 'the last 12 months'],
] as const;
const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const hourOf = (hour: number): string => `${String(hour).padStart(2, '0')}:00`;
const each = (all: readonly string[]) => all.map((one) => [one, one] as const);

/** Reports that are sent again and again, and a form for another one. */
export async function subscriptionsView(api: Reports, again: Again): Promise<View> {
  const show = async () => {
    const list = await api.subscriptions();
    const columns: Column<Subscription>[] = [
      { title: 'Name', value: ({ name }) => name, text: ({ id, name }) => link(`#/sent/${id}`, name) },
      { title: 'Report', value: ({ report }) => report, words: true },
      { title: 'When', value: whenOf, words: true },
      { title: 'Status', value: ({ status }) => status, text: ({ status }) => badge(status), words: true },
      times('Next', ({ nextAt }) => nextAt),
    ];
    const sent =
      list.length === 0
        ? quiet('No report is sent yet.')
        : figureTable('Reports that are sent, oldest first', columns, list);
    return { content: [card('What is sent', sent)] };
  };
  return reportView('Sent reports', [card('Have a report sent', newForm(api))], show(), again);
}

function whenOf({ schedule: { every, hour, weekday, day, zone } }: Subscription): string {
  const which = {
    day: 'Every day',
    week: `Every ${weekdays[(weekday ?? 1) - 1]}`,
    month: `Day ${day ?? 1} of each month`,
  };
  return `${which[every]} at ${hourOf(hour)} of ${zone}`;
}

function newForm(api: Reports): HTMLElement {
  const zone = browserZone();
  const days = Array.from({ length: 28 }, (_, n) => String(n + 1));
  const hours = Array.from({ length: 24 }, (_, hour) => [String(hour), hourOf(hour)] as const);
  const all = fields([
    { name: 'name', label: 'Name', required: true },
    { name: 'report', label: 'Report', value: 'sales', options: each(reports) },
    { name: 'range', label: 'Of', value: 'yesterday', options: ranges },
    { name: 'groupBy', label: 'By', value: 'day', options: groupings },
    {
      name: 'every',
      label: 'Every',
      value: 'day',
      options: each(['day', 'week', 'month']),
    },
    { name: 'weekday', label: 'On', value: '1', options: weekdays.map((name, n) => [String(n + 1), name] as const) },
    { name: 'day', label: 'On day', value: '1', options: each(days) },
    { name: 'hour', label: 'At', value: '8', options: hours },
    { name: 'zone', label: 'Of the zone', value: zone, options: each(zones(zone)) },
    { name: 'emails', label: 'To, one address a line', rows: 2 },
    { name: 'attachment', label: 'With the rows as CSV', type: 'checkbox', value: 'yes' },
    { name: 'webhook', label: 'Also to webhook endpoints', type: 'checkbox' },
  ]);
  const made = form(
    all,
    'Have it sent',
    async (values, key) => {
      const { id } = await api.subscribe(fieldsOf(values), key);
      location.hash = `#/sent/${id}`;
    },
    'filters',
  );
  // Only what matters for the report and the schedule can be chosen.
  const control = (name: string) => made.elements.namedItem(name) as HTMLSelectElement;
  const adapt = () => {
    const [report, every] = [control('report').value, control('every').value];
    control('groupBy').disabled = !isGrouped(report);
    control('range').disabled = isOfNow(report);
    control('weekday').disabled = every !== 'week';
    control('day').disabled = every !== 'month';
    for (const name of ['groupBy', 'range', 'weekday', 'day'])
      control(name).closest<HTMLElement>('.field')!.hidden = control(name).disabled;
  };
  made.addEventListener('input', adapt);
  adapt();
  return made;
}

const isGrouped = (report: string): boolean => ['sales', 'margin'].includes(report);
const isOfNow = (report: string): boolean => ['customers', 'stock'].includes(report);

/** Values of the form that are disabled are not among them. */
function fieldsOf({
  name = '',
  report,
  range,
  groupBy,
  every,
  hour,
  weekday,
  day,
  zone,
  ...rest
}: Values): NewSubscription {
  const { emails = '', attachment, webhook } = rest;
  return {
    name,
    report,
    range: range ?? null,
    parameters: groupBy === undefined ? {} : { groupBy },
    schedule: {
      every,
      hour: Number(hour),
      zone,
      ...(weekday === undefined ? {} : { weekday: Number(weekday) }),
      ...(day === undefined ? {} : { day: Number(day) }),
    },
    emails: emails.split(/[\s,;]+/).filter((address) => address !== ''),
    attachment: attachment === undefined ? 'none' : 'csv',
    webhook: webhook !== undefined,
  } as NewSubscription;
}

/** One of them, with what became of each due time. */
export async function subscriptionView(api: Reports, id: string, again: Again): Promise<View> {
  const show = async () => {
    const { subscription, runs } = await api.subscription(decodeURIComponent(id));
    const { name, report, range, parameters, emails, attachment, webhook, status, nextAt } = subscription;
    const what = facts([
      ['Name', name],
      ['Report', report],
      ['Of', ranges.find(([value]) => value === range)?.[1]],
      ...named(parameters),
      ['When', whenOf(subscription)],
      ['Next', nextAt === null ? undefined : time(nextAt)],
      ['Mails to', emails.join(', ')],
      ['Rows as CSV', emails.length === 0 ? undefined : attachment === 'csv' ? 'yes' : 'no'],
      ['Webhooks', webhook ? 'yes' : 'no'],
      ['Status', badge(status)],
    ]);
    const pause = form([], status === 'active' ? 'Pause' : 'Resume', async () => {
      await api.pause(subscription);
      await again();
    });
    const remove = form(
      [element('p', {}, 'Its runs are deleted too, and nothing more is sent.')],
      'Delete for good',
      async () => {
        await api.unsubscribe(subscription.id);
        location.hash = '#/sent';
      },
    );
    return { content: [card('What is sent', what, pause, folded('Delete', remove)), runsCard(runs)] };
  };
  return reportView('Sent report', [card('Which report', link('#/sent', 'All sent reports'))], show(), again);
}

function runsCard(runs: readonly Run[]): HTMLElement {
  const columns: Column<Run>[] = [
    times('Due', ({ dueAt }) => dueAt),
    { title: 'What became of it', value: ({ status }) => status, text: ({ status }) => badge(status), words: true },
    { title: 'Because', value: ({ reason }) => reason, words: true },
    { title: 'Days', value: ({ from, to }) => (from === null ? null : `${from} to ${to}`), words: true },
    counts('Rows', ({ rows }) => rows),
    counts('Mails', ({ emails }) => emails),
    times('As of', ({ asOf }) => asOf),
  ];
  const list = runs.length === 0 ? quiet('It was not due yet.') : figureTable('Due times, newest first', columns, runs);
  return card('What was sent', list);
}
