import { describe, expect, test } from 'vitest';
import { evaluateMath } from '../../infra/local/console/metric-math.ts';
import type { Series } from '../../infra/local/console/metric-store.ts';
import { stateMachines } from '../../lib/contract/deploy/route.ts';
import { functionOf, ofType, synthesized } from './synthesized.ts';

const stages = {
  'dev, all at once': synthesized('dev'),
  'prod, by canary': synthesized('prod'),
  'prod in an emergency': synthesized('prod', { context: { canary: 'off' } }),
};
const stageOf = (name: string) => (name.startsWith('dev') ? 'dev' : 'prod');

describe.each(Object.entries(stages))('%s', (name, { service }) => {
  const canary = name.includes('canary');

  test('requests that place orders go to an alias, which CodeDeploy moves if there is a canary', () => {
    const [id] = functionOf(service, stageOf(name), 'http/place-order');
    const aliases = ofType(service, 'AWS::Lambda::Alias');
    expect(aliases).toHaveLength(1);
    const [[alias, { Properties, ...rest }]] = aliases as [(typeof aliases)[0]];
    expect(Properties).toMatchObject({ FunctionName: { Ref: id }, Name: 'live' });
    const uris = ofType(service, 'AWS::ApiGatewayV2::Integration').map(([, each]) => each.Properties.IntegrationUri);
    expect(uris.filter(({ Ref }) => Ref === alias)).toHaveLength(1);
    const groups = ofType(service, 'AWS::CodeDeploy::DeploymentGroup');
    expect(groups).toHaveLength(canary ? 1 : 0);
    expect('UpdatePolicy' in rest).toBe(canary);
    for (const [, { Properties: group }] of groups) {
      // The alias waits for the group, and so for the role, which may therefore not refer to the alias.
      expect(JSON.stringify(service.Resources[group.ServiceRoleArn['Fn::GetAtt'][0]])).not.toContain(alias);
      expect(group.DeploymentConfigName).toBe('CodeDeployDefault.LambdaCanary10Percent5Minutes');
      expect(group.AutoRollbackConfiguration.Events).toContain('DEPLOYMENT_STOP_ON_ALARM');
      expect(group.AlarmConfiguration).toMatchObject({ Enabled: true });
      expect(group.AlarmConfiguration.Alarms).toHaveLength(3);
    }
  });

  test('executions start by the alias of their state machine, and old versions stay for those under way', () => {
    const aliases = ofType(service, 'AWS::StepFunctions::StateMachineAlias').map(([, each]) => each.Properties);
    expect(aliases).toHaveLength(stateMachines.length);
    for (const { Name, DeploymentPreference } of aliases) {
      expect(Name).toBe('live');
      expect(DeploymentPreference).toMatchObject(
        canary ? { Type: 'CANARY', Percentage: 10, Interval: 5 } : { Type: 'ALL_AT_ONCE' },
      );
      expect(DeploymentPreference.Alarms ?? []).toHaveLength(canary ? 1 : 0);
    }
    const kept = [...ofType(service, 'AWS::StepFunctions::StateMachineVersion')];
    for (const [, { Properties }] of ofType(service, 'AWS::StepFunctions::StateMachine')) {
      for (const { Ref } of Object.values<{ Ref: string }>(Properties.DefinitionSubstitutions))
        kept.push([Ref, service.Resources[Ref]!]);
    }
    expect(kept.length).toBeGreaterThan(stateMachines.length);
    for (const [id, { DeletionPolicy }] of kept) expect(DeletionPolicy, id).toBe('Retain');
    const starter = functionOf(service, stageOf(name), 'http/place-order')[1].Properties.Environment.Variables;
    expect(starter.STATE_MACHINE_ALIAS).toBe('live');
  });
});

describe('the alarms compare the new version with the old one', () => {
  const alarms = ofType(stages['prod, by canary'].service, 'AWS::CloudWatch::Alarm').map(([, each]) => each.Properties);
  /** What an alarm's expression is for one minute, with values of its metrics by their ids. */
  const ringing = (description: RegExp, values: Record<string, number>): number => {
    const alarm = alarms.find(({ AlarmDescription }) =>
      description.test(typeof AlarmDescription === 'string' ? AlarmDescription : JSON.stringify(AlarmDescription)),
    )!;
    const { Expression } = alarm.Metrics.find((one: { Expression?: string }) => one.Expression !== undefined);
    const series = (value: number | undefined): Series => new Map(value === undefined ? [] : [[0, value]]);
    const result = evaluateMath(Expression, {
      times: [0],
      metric: (id) => series(values[id]),
      metrics: () => [],
      search: () => [],
    });
    return typeof result === 'number' ? result : ((result as Series).get(0) ?? 0);
  };

  test.each([
    ['5xx', /answers 5xx/],
    ['crashes', /crashes/],
    ['failed sagas', /executions of the new version/],
  ])('%s', (_, alarm) => {
    expect(ringing(alarm, { fresh: 10, freshBad: 1, all: 100, allBad: 1 }), 'the new one alone fails').toBe(1);
    expect(ringing(alarm, { fresh: 10, all: 100, allBad: 40 }), 'the old one alone fails').toBe(0);
    expect(ringing(alarm, { fresh: 10, freshBad: 5, all: 100, allBad: 50 }), 'both fail alike: the fix goes on').toBe(
      0,
    );
    expect(ringing(alarm, { fresh: 10, freshBad: 9, all: 100, allBad: 20 }), 'the new one fails more').toBe(1);
    expect(ringing(alarm, { fresh: 100, freshBad: 90, all: 100, allBad: 90 }), 'between deployments').toBe(0);
    expect(ringing(alarm, {}), 'nothing happens').toBe(0);
  });

  test('latency', () => {
    expect(ringing(/slower/, { fresh: 900, n: 10, all: 300 })).toBe(1);
    expect(ringing(/slower/, { fresh: 600, n: 10, all: 300 }), 'within the margin').toBe(0);
    expect(ringing(/slower/, { fresh: 5000, n: 3, all: 300 }), 'too few to say so').toBe(0);
    expect(ringing(/slower/, {}), 'nothing happens').toBe(0);
  });

  test('and hold data that is missing for good', () => {
    expect(alarms.length).toBe(3 + stateMachines.length);
    for (const { TreatMissingData } of alarms) expect(TreatMissingData).toBe('notBreaching');
  });
});
