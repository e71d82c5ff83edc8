import { ArnFormat, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmRule,
  AlarmState,
  ComparisonOperator,
  CompositeAlarm,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { whatToDo } from '../../lib/operations/notices/notice.ts';
import repository from '../../package.json' with { type: 'json' };
import { pascal } from '../constructs/names.ts';
import { health } from './alarms/database.ts';
import { database, jobRuns, reader, tables, warehouse } from './alarms/infrastructure.ts';
import { burnPairs, burnRates } from './alarms/objectives.ts';
import {
  backups,
  brokenInvariants,
  checksBehind,
  openOrders,
  reconciliation,
  sagaExecutions,
  stock,
} from './alarms/orders.ts';
import { accessRecords, domainEvents, identityProvider, mails, requests } from './alarms/requests.ts';
import type { AlarmSpec } from './alarms/spec.ts';
import { metricsOf } from './metrics.ts';
import type { Monitored, MonitoredResources } from './resources.ts';

/** Every alarm of a stage. */
export function alarms(resources: MonitoredResources): AlarmSpec[] {
  const all = everything({ ...resources, ...metricsOf(resources.stage) });
  return resources.isWhole ? all : all.filter(({ name }) => least.test(name));
}

/** What tells of lost money, lost orders and an outage, however seldom jobs report. */
const least =
  /^(invariant-.*|manual-review-opened|reconciliation-findings|saga-(failed|aborted)|server-errors|functions-throttled|events-undelivered|audit-undelivered|schedules-undelivered|database-full)$/;

const everything = (resources: Monitored): AlarmSpec[] => [
  ...brokenInvariants(resources),
  ...checksBehind(resources),
  ...backups(resources),
  ...openOrders(resources),
  ...stock(resources),
  ...sagaExecutions(resources),
  ...reconciliation(resources),
  ...mails(resources),
  ...requests(resources),
  ...burnRates(resources),
  ...identityProvider(resources),
  ...accessRecords(resources),
  ...domainEvents(resources),
  ...jobRuns(resources),
  ...health(resources),
  ...database(resources),
  ...reader(resources),
  ...warehouse(resources),
  ...tables(resources),
];

/** The alarms, and the one topic that all of them notify. */
export class Alarms extends Construct {
  readonly topic: sns.Topic;
  readonly all: Alarm[];

  constructor(scope: Construct, id: string, props: { resources: MonitoredResources; email: string | undefined }) {
    super(scope, id);
    const { resources, email } = props;
    this.topic = topicOf(this, resources.stage);
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email));
    this.tell(resources.jobs['send-notices']!);
    const action = new SnsAction(this.topic);
    this.all = alarms(resources).map((spec) => {
      const alarm = new Alarm(this, pascal(spec.name), {
        alarmName: `counterfoil-${resources.stage}-${spec.name}`,
        alarmDescription: `${spec.means}${whatToDo}${runbooks}/${spec.runbook}.md`,
        metric: spec.metric,
        threshold: spec.threshold,
        comparisonOperator: spec.below
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: spec.of ?? 1,
        datapointsToAlarm: spec.bad ?? spec.of ?? 1,
        treatMissingData: spec.silenceIsBad ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
      });
      if (spec.pagesWith !== undefined) return alarm;
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
    if (resources.watchesObjectives) this.page(resources.stage, action);
  }

  /** One alarm for all objectives: an error budget burns over both windows of a rate. */
  private page(stage: string, action: SnsAction): void {
    const alarmOf = (name: string) => this.node.findChild(pascal(name)) as Alarm;
    const burning = new CompositeAlarm(this, 'ObjectivesBurning', {
      compositeAlarmName: `counterfoil-${stage}-objectives-burning`,
      alarmDescription: `So many requests fail or are late that an error budget does not last.${whatToDo}${runbooks}/objectives-burning.md`,
      alarmRule: AlarmRule.anyOf(
        ...burnPairs.map((pair) =>
          AlarmRule.allOf(...pair.map((name) => AlarmRule.fromAlarm(alarmOf(name), AlarmState.ALARM))),
        ),
      ),
    });
    burning.addAlarmAction(action);
    burning.addOkAction(action);
  }

  /** SNS calls the function by its name, so that its stack needs not know the topic. */
  private tell(functionName: string): void {
    const endpoint = Stack.of(this).formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: functionName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const { topicArn } = this.topic;
    const permission = new lambda.CfnPermission(this, 'MayTell', {
      action: 'lambda:InvokeFunction',
      functionName: endpoint,
      principal: 'sns.amazonaws.com',
      sourceArn: topicArn,
    });
    const subscription = new sns.CfnSubscription(this, 'Tell', { topicArn, protocol: 'lambda', endpoint });
    subscription.addResourceDependency(permission);
  }
}

/** Where the runbooks can be read. */
const runbooks = `${repository.homepage.replace(/#.*$/, '')}/blob/main/docs/runbooks`;

function topicOf(scope: Construct, stage: string): sns.Topic {
  const topic = new sns.Topic(scope, 'Topic', { enforceSSL: true, displayName: `counterfoil ${stage}` });
  // A topic with a policy of its own loses the default one, by which the account's alarms may publish.
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
  return topic;
}
