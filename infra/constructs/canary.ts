import { Duration, Fn, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import * as codedeploy from 'aws-cdk-lib/aws-codedeploy';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { metricNamespace, ownDimensions } from '../../lib/contract/deploy/metrics.ts';
import { liveAlias } from '../../lib/contract/deploy/route.ts';

/** A new version gets so many per cent of the requests or executions for so many minutes, and then all. */
const percentage = 10;
const minutes = 5;

const period = Duration.minutes(1);
const sum = { statistic: 'Sum', period } as const;

type Counts = { requests: IMetric; failures: IMetric };

/**
 * 1 while a new version fails more than twice as often as the old one beside it. Once all goes to one version there is nothing to
 * compare with, and it is 0: an alarm on it never rings before the next deployment, and cannot block a fix.
 */
function failsMore(fresh: Counts, all: Counts): MathExpression {
  const old = '(FILL(all, 0) - FILL(fresh, 0))';
  const oldBad = '(FILL(allBad, 0) - FILL(freshBad, 0))';
  const bad = 'FILL(freshBad, 0)';
  return new MathExpression({
    expression: `IF(${bad} > 0 AND ${old} > 0 AND ${bad} * ${old} > 2 * ${oldBad} * FILL(fresh, 0), 1, 0)`,
    usingMetrics: { fresh: fresh.requests, freshBad: fresh.failures, all: all.requests, allBad: all.failures },
    label: 'the new version fails more often than the old one',
    period,
  });
}

/** 1 while a new version takes half as long again as all versions together, and 200 ms more. Ten requests are enough to say so. */
const isSlower = (fresh: IMetric, freshRequests: IMetric, all: IMetric): MathExpression =>
  new MathExpression({
    expression: 'IF(FILL(n, 0) >= 10 AND FILL(fresh, 0) > 1.5 * FILL(all, 0) + 200, 1, 0)',
    usingMetrics: { fresh, n: freshRequests, all },
    label: 'the new version is slower than the old one',
    period,
  });

const ringsOn = (scope: Construct, id: string, metric: IMetric, alarmDescription: string): Alarm =>
  new Alarm(scope, id, {
    metric,
    alarmDescription,
    threshold: 1,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });

type CanaryProps = { stage: string; operation: OperationId; fn: lambda.Function; alias: lambda.Alias };

/** Lets requests to an alias of an HTTP function move to a new version as a canary, and back when one of its alarms rings. */
export class Canary extends Construct {
  constructor(scope: Construct, id: string, { stage, operation, fn, alias }: CanaryProps) {
    super(scope, id);
    const of = (version?: string) => {
      const dimensionsMap = {
        FunctionName: fn.functionName,
        Resource: `${fn.functionName}:${liveAlias}`,
        ...(version === undefined ? {} : { ExecutedVersion: version }),
      };
      const metric = (metricName: string, statistic = 'Sum') =>
        new Metric({ namespace: 'AWS/Lambda', metricName, dimensionsMap, statistic, period });
      return { requests: metric('Invocations'), crashes: metric('Errors'), latency: metric('Duration', 'p90') };
    };
    const { version } = fn.currentVersion;
    const [fresh, all] = [of(version), of()];
    const answers = (metricName: string, dimension: Record<string, string>) =>
      new Metric({
        namespace: metricNamespace,
        metricName,
        dimensionsMap: ownDimensions(stage, dimension),
        ...sum,
      });
    const failing = failsMore(
      { requests: fresh.requests, failures: answers('VersionErrors', { version: `${operation}:${version}` }) },
      { requests: all.requests, failures: answers('ServerErrors', { operation }) },
    );
    const crashing = failsMore(
      { requests: fresh.requests, failures: fresh.crashes },
      { requests: all.requests, failures: all.crashes },
    );
    const slower = isSlower(fresh.latency, fresh.requests, all.latency);
    const name = `${operation}: the canary`;
    const alarms = [
      ringsOn(this, 'Failing', failing, `${name} answers 5xx more often than the version before`),
      ringsOn(this, 'Crashing', crashing, `${name} crashes more often than the version before`),
      ringsOn(this, 'Slower', slower, `${name} is slower than the version before`),
    ];
    const role = new iam.Role(this, 'Role', {
      description: `Moves ${operation} to a new version, and back`,
      assumedBy: new iam.ServicePrincipal('codedeploy.amazonaws.com'),
      inlinePolicies: {
        shift: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({
              actions: ['lambda:GetAlias', 'lambda:UpdateAlias', 'lambda:GetProvisionedConcurrencyConfig'],
              // By name: the alias waits for this role.
              resources: [fn.functionArn, `${fn.functionArn}:${liveAlias}`],
            }),
            new iam.PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }),
          ],
        }),
      },
    });
    new codedeploy.LambdaDeploymentGroup(this, 'Deployment', {
      application: new codedeploy.LambdaApplication(this, 'Application'),
      // CDK would add a policy of Amazon's, which may change every function of the account.
      role: role.withoutPolicyUpdates(),
      alias,
      deploymentConfig: codedeploy.LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
      alarms,
      autoRollback: { failedDeployment: true, stoppedDeployment: true, deploymentInAlarm: true },
    });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'DescribeAlarms takes a list of alarms and has no resources to name.',
    });
  }
}

/**
 * The alias of a state machine that executions are started by. Its versions stay, so that executions which are under way keep
 * their definition, and with it the versions of their steps.
 */
export function liveMachine(scope: Construct, id: string, machine: sfn.StateMachine, canary: boolean): void {
  const version = new sfn.CfnStateMachineVersion(scope, `${id}Version`, {
    stateMachineArn: machine.stateMachineArn,
    stateMachineRevisionId: machine.stateMachineRevisionId,
  });
  version.applyRemovalPolicy(RemovalPolicy.RETAIN);
  const counts = (dimension: Record<string, string>): Counts => {
    const metric = (metricName: string) =>
      new Metric({
        namespace: 'AWS/States',
        metricName,
        dimensionsMap: { StateMachineArn: machine.stateMachineArn, ...dimension },
        ...sum,
      });
    return { requests: metric('ExecutionsStarted'), failures: metric('ExecutionsFailed') };
  };
  // arn:aws:states:region:account:stateMachine:name:version
  const number = Fn.select(7, Fn.split(':', version.attrArn));
  const alarms = canary
    ? [
        ringsOn(
          scope,
          `${id}Failing`,
          failsMore(counts({ Version: number }), counts({ Alias: liveAlias })),
          `${Stack.of(scope).stackName}: executions of the new version fail more often than those of the version before`,
        ).alarmName,
      ]
    : undefined;
  new sfn.CfnStateMachineAlias(scope, `${id}Alias`, {
    name: liveAlias,
    deploymentPreference: {
      stateMachineVersionArn: version.attrArn,
      ...(alarms === undefined ? { type: 'ALL_AT_ONCE' } : { type: 'CANARY', percentage, interval: minutes, alarms }),
    },
  });
}
