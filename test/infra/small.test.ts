import { expect, test } from 'vitest';
import { costOf } from '../../infra/cost/model.ts';
import { prices } from '../../infra/cost/prices.ts';
import { stageOf } from '../../infra/cost/stage.ts';
import { usage } from '../../infra/cost/usage.ts';
import { ofType, type Resource, stacksOf, synthesized } from './synthesized.ts';

/* A stage for a shop with a few orders a day. */

const { data, service, monitoring, ...stacks } = synthesized('small');
const all = stacksOf({ data, service, monitoring, ...stacks } as never).flatMap(([, { Resources }]) =>
  Object.values(Resources),
);
const of = (type: string): Resource['Properties'][] =>
  all.filter(({ Type }) => Type === type).map(({ Properties }) => Properties);

test('nothing keeps its database awake: it pauses, no proxy is connected, and jobs run together', () => {
  const [cluster] = of('AWS::RDS::DBCluster');
  expect(cluster.ServerlessV2ScalingConfiguration).toEqual({
    MinCapacity: 0,
    MaxCapacity: 2,
    SecondsUntilAutoPause: 300,
  });
  expect(cluster.DeletionProtection).toBe(true);
  expect(of('AWS::RDS::DBProxy')).toEqual([]);
  const often = of('AWS::Scheduler::Schedule').filter(
    ({ ScheduleExpression }) => !/^cron\(\d+ \d+ /.test(ScheduleExpression),
  );
  expect(new Set(often.map(({ ScheduleExpression }) => ScheduleExpression))).toEqual(new Set(['cron(0 0/6 * * ? *)']));
});

test('functions log in to the cluster itself, by IAM, with its authority known', () => {
  const ports = [...ofType(data, 'AWS::EC2::SecurityGroupIngress'), ...ofType(data, 'AWS::EC2::SecurityGroupEgress')]
    .map(([, { Properties }]) => Properties)
    .filter(({ ToPort }) => ToPort === 5432);
  expect(ports.map(({ Description }) => Description)).toEqual(ports.map(() => 'functions to database'));
  expect(ports.length).toBeGreaterThan(0);
  const [, orders] = ofType(service, 'AWS::Lambda::Function').find(
    ([, { Properties }]) => Properties.FunctionName === 'counterfoil-small-http-place-order',
  )!;
  const { DATABASE_HOST, NODE_EXTRA_CA_CERTS } = orders.Properties.Environment.Variables;
  expect(JSON.stringify(DATABASE_HOST)).toMatch(/Cluster/);
  expect(NODE_EXTRA_CA_CERTS).toBe('/var/runtime/ca-cert.pem');
  const [, role] = ofType(service, 'AWS::IAM::Role').find(([id]) => id === orders.Properties.Role['Fn::GetAtt'][0])!;
  expect(JSON.stringify(role.Properties.Policies)).toMatch(/dbuser:.*Cluster.*DBClusterResourceId.*\/orders_api/);
});

test('its alarms can ring although jobs report every six hours, and none rings for their silence', () => {
  const alarms = ofType(monitoring, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
  const names = alarms.map(({ AlarmName }) => AlarmName.replace('counterfoil-small-', ''));
  expect(names.toSorted()).toEqual(
    [
      'invariant-stock-never-oversold',
      'invariant-charged-at-most-once',
      'invariant-confirmed-is-complete',
      'invariant-every-order-ends',
      'invariant-lines-add-up',
      'invariant-coupons-within-limits',
      'manual-review-opened',
      'reconciliation-findings',
      'saga-failed',
      'saga-aborted',
      'server-errors',
      'functions-throttled',
      'events-undelivered',
      'audit-undelivered',
      'schedules-undelivered',
      'database-full',
    ].toSorted(),
  );
  expect(alarms.filter(({ TreatMissingData }) => TreatMissingData === 'breaching')).toEqual([]);
  expect(ofType(monitoring, 'AWS::CloudWatch::Dashboard')).toEqual([]);
});

test('it costs less than 25 dollars a month at rest, in each region that we know prices of', () => {
  const stage = stageOf('small');
  for (const price of Object.values(prices)) expect(costOf(stage, 0, usage, price).idle).toBeLessThan(25);
  // The first orders keep the database awake, and then it costs what one that never pauses does.
  const [idle, few, some] = [0, 20, 100].map((orders) => costOf(stage, orders, usage, prices['eu-west-1']).total);
  expect(few!).toBeGreaterThan(idle!);
  expect(some!).toBeGreaterThan(few!);
});
