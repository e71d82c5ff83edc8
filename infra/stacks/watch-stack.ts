import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from '../constructs/alarms.ts';
import { dashboard } from '../constructs/dashboard.ts';
import type { MonitoredResources } from '../constructs/monitored-resources.ts';
import type { Settings } from '../profiles.ts';

/** What watches: alarms, whom they tell, dashboard. An alarm that cannot be made takes no release back. */
export class WatchStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings; resources: MonitoredResources }) {
    const { settings, resources, ...rest } = props;
    super(scope, id, rest);
    const alarms = new Alarms(this, 'Alarms', { resources, email: settings.alarmEmail });
    const board = dashboard(this, 'Dashboard', { resources, alarms: alarms.all });
    new CfnOutput(this, 'DashboardName', { value: board.dashboardName });
    new CfnOutput(this, 'AlarmTopic', { value: alarms.topic.topicArn });
  }
}
