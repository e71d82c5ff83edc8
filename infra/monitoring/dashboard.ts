import { Duration } from 'aws-cdk-lib';
import { type Alarm, AlarmStatusWidget, Dashboard, PeriodOverride } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { infrastructure } from './dashboard/infrastructure.ts';
import { sales, stuck } from './dashboard/orders.ts';
import { callers, working } from './dashboard/requests.ts';
import { heading } from './dashboard/widgets.ts';
import type { MonitoredResources } from './resources.ts';

/** One dashboard that answers three questions, top to bottom: is it working, are we selling, is anything stuck. */
export function dashboard(
  scope: Construct,
  id: string,
  { resources, alarms }: { resources: MonitoredResources; alarms: Alarm[] },
): Dashboard {
  return new Dashboard(scope, id, {
    dashboardName: `counterfoil-${resources.stage}`,
    defaultInterval: Duration.hours(3),
    periodOverride: PeriodOverride.AUTO,
    widgets: [
      [heading('Is it working?', 'Each alarm has a page in docs/runbooks; docs/runbooks/README.md lists them.')],
      [new AlarmStatusWidget({ title: 'Alarms', alarms, width: 24, height: 5 })],
      ...working(resources),
      [heading('Are we selling?', 'Orders by how they ended. A declined card or a stock-out is a normal end.')],
      ...sales(),
      [heading('Is anything stuck?', 'Each of these must be zero, or return to zero within minutes.')],
      ...stuck(resources),
      [
        heading(
          'Who calls?',
          'By application; `none` stands for requests that named none. For one application: `GET /applications/{id}/usage`.',
        ),
      ],
      ...callers(resources),
      [heading('PostgreSQL, RDS Proxy, DynamoDB, Lambda')],
      ...infrastructure(resources),
    ],
  });
}
