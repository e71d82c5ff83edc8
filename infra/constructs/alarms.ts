import { Stack } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { alarms } from './alarms/all.ts';
import { comparison, silence } from './alarms/spec.ts';
import type { MonitoredResources } from './monitored-resources.ts';
import { pascal } from './names.ts';

/** Every alarm of the list, all to one topic, and the topic to whoever is on duty. */
export class Alarms extends Construct {
  readonly topic: sns.Topic;
  readonly all: Alarm[];

  constructor(scope: Construct, id: string, props: { resources: MonitoredResources; email?: string | undefined }) {
    super(scope, id);
    // Not encrypted with a key of our own: messages carry names of alarms and numbers.
    this.topic = new sns.Topic(this, 'Topic', {
      enforceSSL: true,
      displayName: `counterfoil ${props.resources.stage}`,
    });
    // A topic with a policy has lost the one that let its account's alarms publish.
    this.topic.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    if (props.email !== undefined) this.topic.addSubscription(new EmailSubscription(props.email));
    const action = new SnsAction(this.topic);
    this.all = alarms(props.resources).map((spec) => {
      const alarm = new Alarm(this, pascal(spec.name), {
        alarmName: `counterfoil-${props.resources.stage}-${spec.name}`,
        alarmDescription: `${spec.means} What to do: docs/runbooks/${spec.runbook}.md`,
        metric: spec.metric,
        threshold: spec.threshold,
        comparisonOperator: comparison(spec),
        evaluationPeriods: spec.of ?? 1,
        datapointsToAlarm: spec.bad ?? spec.of ?? 1,
        treatMissingData: silence(spec),
      });
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
  }
}
