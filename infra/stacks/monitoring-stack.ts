import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from '../monitoring/alarms.ts';
import { dashboards } from '../monitoring/dashboard.ts';
import type { MonitoredResources } from '../monitoring/resources.ts';

/** Alarms, the topic that they notify, and the dashboards. An alarm that cannot be created does not roll a release back. */
export class MonitoringStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { resources: MonitoredResources; alarmEmail: string | undefined },
  ) {
    const { resources, alarmEmail, ...rest } = props;
    super(scope, id, rest);
    const alarms = new Alarms(this, 'Alarms', { resources, email: alarmEmail });
    const [today] = dashboards(this, { resources, alarms: alarms.all });
    if (today !== undefined) new CfnOutput(this, 'DashboardName', { value: today.dashboardName });
    new CfnOutput(this, 'AlarmTopic', { value: alarms.topic.topicArn });
  }
}
