import { Duration } from 'aws-cdk-lib';
import { type Alarm, AlarmStatusWidget, Dashboard, type IWidget, PeriodOverride } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { cost } from './dashboard/cost.ts';
import { events } from './dashboard/events.ts';
import { data, infrastructure } from './dashboard/infrastructure.ts';
import { funnel, sales, stuck } from './dashboard/orders.ts';
import { accesses, burning, callers, working } from './dashboard/requests.ts';
import { heading } from './dashboard/widgets.ts';
import { metricsOf } from './metrics.ts';
import type { Monitored, MonitoredResources } from './resources.ts';

type Board = { name: string; rows: IWidget[][] };

/** Every dashboard of a stage. Each answers one question; the first says which of the others to open. */
const boards = (resources: Monitored, alarms: Alarm[]): Board[] => [
  {
    name: 'Today',
    rows: [
      [heading('Is it working?', 'Each alarm has a page in docs/runbooks; docs/runbooks/README.md lists them.')],
      [new AlarmStatusWidget({ title: 'Alarms', alarms, width: 24, height: 5 })],
      burning(resources),
      [heading('Are we selling?')],
      ...funnel(resources),
      [heading('Is anything stuck?', 'Each of these must be zero, or return to zero within minutes.')],
      ...stuck(resources),
    ],
  },
  {
    name: 'Orders',
    rows: [
      [heading('How do orders end?', 'A declined card or a stock-out is a normal end.')],
      ...funnel(resources),
      ...sales(resources),
    ],
  },
  {
    name: 'API',
    rows: [
      [heading('Which operation fails or is slow?')],
      ...working(resources),
      [
        heading(
          'Who calls?',
          'By application; `none` stands for requests that named none. For one application: `GET /applications/{id}/usage`.',
        ),
      ],
      ...callers(resources),
      ...accesses(resources),
    ],
  },
  {
    name: 'Data',
    rows: [
      [heading('How are PostgreSQL, its proxy and its copies?')],
      ...data(resources),
      [heading('DynamoDB, Lambda')],
      ...infrastructure(resources),
    ],
  },
  { name: 'Events', rows: [[heading('Do events reach those who wait for them?')], ...events(resources)] },
  {
    name: 'Cost',
    rows: [
      [heading('What is used?', 'What AWS bills by use. `npm run cost` says what it comes to.')],
      ...cost(resources),
    ],
  },
];

/** The dashboards of a stage. The first has the stage's name, the others that and their own. */
export function dashboards(
  scope: Construct,
  { resources, alarms }: { resources: MonitoredResources; alarms: Alarm[] },
): Dashboard[] {
  return boards({ ...resources, ...metricsOf(resources.stage) }, alarms)
    .slice(0, resources.isWhole ? undefined : 0)
    .map(
      ({ name, rows }, index) =>
        new Dashboard(scope, index === 0 ? 'Dashboard' : `${name}Dashboard`, {
          dashboardName: `counterfoil-${resources.stage}${index === 0 ? '' : `-${name.toLowerCase()}`}`,
          defaultInterval: Duration.hours(3),
          periodOverride: PeriodOverride.AUTO,
          widgets: rows,
        }),
    );
}
