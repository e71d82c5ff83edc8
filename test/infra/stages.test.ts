import { expect, test } from 'vitest';
import { type Output, stacksOf, synthesized, type Template } from './synthesized.ts';

const of = (stage: string) => stacksOf(synthesized('prod', { context: { stage, catalogMaxAge: '60' } }));
const [tea, coffee] = [of('tea'), of('coffee')];

/** Names that something else of the stage holds: a version of a function, a database of a cluster, a rule of a plan. */
const held = new Set([
  'AWS::ApiGatewayV2::Stage StageName',
  'AWS::Backup::RestoreTestingSelection RestoreTestingSelectionName',
  'AWS::CodeDeploy::DeploymentGroup DeploymentConfigName',
  'AWS::EC2::VPCEndpoint ServiceName',
  'AWS::EventSchemas::Schema SchemaName',
  'AWS::IAM::Policy PolicyName',
  'AWS::Lambda::Alias Name',
  'AWS::Logs::SubscriptionFilter FilterName',
  'AWS::RDS::DBCluster DatabaseName',
  'AWS::RDS::DBProxyTargetGroup TargetGroupName',
  'AWS::StepFunctions::StateMachineAlias Name',
]);

/** The names that a template gives its resources, as `<type> <property>` with the text; those that refer to a resource are its own. */
const namesIn = ({ Resources }: Template): [string, string][] =>
  Object.values(Resources).flatMap(({ Type, Properties = {} }) =>
    Object.entries(Properties)
      .filter(([property]) => /(^|[a-z])(Name|Identifier|Domain|Prefix)$/.test(property))
      .map(([property, value]) => [`${Type} ${property}`, JSON.stringify(value)] as [string, string])
      .filter(
        ([property, text]) => !held.has(property) && !/"(Ref|Fn::ImportValue)":"(?!AWS::)|"Fn::GetAtt"/.test(text),
      ),
  );

test('two stages of one profile in one account have no name and no export in common', () => {
  const all = (stacks: [string, Template][]) => stacks.flatMap(([, template]) => namesIn(template));
  const [ours, theirs] = [all(tea), all(coffee)];
  expect(ours.length).toBeGreaterThan(300);
  const taken = new Set(theirs.map(([property, text]) => `${property} ${text}`));
  expect(ours.map(([property, text]) => `${property} ${text}`).filter((name) => taken.has(name))).toEqual([]);
  const exported = (stacks: [string, Template][]) =>
    stacks.flatMap(([, { Outputs = {} }]) =>
      (Object.values(Outputs) as Output[]).flatMap(({ Export }) => Export?.Name ?? []),
    );
  expect(exported(tea).length).toBeGreaterThan(30);
  expect(exported(tea).filter((name) => exported(coffee).includes(name))).toEqual([]);
});

test('nothing of a stage with a name of its own is called by its profile', () => {
  expect(JSON.stringify(tea).match(/counterfoil[-_/]prod\b.{0,60}/g)).toBeNull();
});
