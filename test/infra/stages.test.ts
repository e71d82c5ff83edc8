import { expect, test } from 'vitest';
import { type Output, stacksOf, synthesized, type Template } from './synthesized.ts';

const of = (stage: string) => stacksOf(synthesized('prod', { context: { stage, catalogMaxAge: '60' } }));
const [tea, coffee] = [of('tea'), of('coffee')];

type Parametrized = {
  Parameters: Record<string, { Default: string; AllowedValues: string[]; ConstraintDescription: string }>;
};

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

test('CloudFormation knows what the stage cannot change once it is there, and says what to do instead', () => {
  const first = (context: Record<string, string>) => {
    const { Parameters } = synthesized('dev', { context }).data as unknown as Parametrized;
    const choices = Object.entries(Parameters).filter(([name]) => name.startsWith('First'));
    for (const [name, { Default, AllowedValues, ConstraintDescription }] of choices) {
      expect(AllowedValues, name).toEqual([Default]);
      expect(ConstraintDescription, name).toMatch(
        /stays as it was first deployed\. (Deploy another stage|Delete the old one)/,
      );
    }
    return Object.fromEntries(choices.map(([name, { Default }]) => [name, Default]));
  };
  const own = first({});
  expect(own).toEqual({
    FirstProfile: 'dev',
    FirstNetwork: 'of the stage',
    FirstZones: 'the first 2',
    FirstDatabase: 'of the stage',
    FirstKey: 'of AWS',
    FirstLoginPage: 'named after the stage',
  });
  expect(first({ RATE_LIMIT_PER_MINUTE: '300', readers: '1', traces: 'on' })).toEqual(own);
  expect(first({ zones: 'eu-west-1a,eu-west-1c' })).toEqual({ ...own, FirstZones: 'eu-west-1a eu-west-1c' });
  const vpcSubnets = 'subnet-00000000:eu-west-1a:rtb-00000000,subnet-00000001:eu-west-1b:rtb-00000001';
  expect(first({ vpcId: 'vpc-0123456789abcdef0', vpcSubnets })).toMatchObject({
    FirstNetwork: 'vpc-0123456789abcdef0',
  });
});

/** What AWS takes at most, in characters. */
const longest: Readonly<Record<string, number>> = {
  'AWS::Athena::WorkGroup Name': 128,
  'AWS::Backup::BackupVault BackupVaultName': 50,
  'AWS::CloudWatch::Alarm AlarmName': 255,
  'AWS::Cognito::UserPoolDomain Domain': 63,
  'AWS::Events::Rule Name': 64,
  'AWS::IAM::Role RoleName': 64,
  'AWS::Lambda::Function FunctionName': 64,
  'AWS::Logs::LogGroup LogGroupName': 512,
  'AWS::RDS::DBCluster DBClusterIdentifier': 63,
  'AWS::RDS::DBInstance DBInstanceIdentifier': 63,
  'AWS::RDS::DBProxy DBProxyName': 60,
  'AWS::S3::Bucket BucketName': 63,
  'AWS::SQS::Queue QueueName': 80,
  'AWS::Scheduler::Schedule Name': 64,
  'AWS::StepFunctions::StateMachine StateMachineName': 80,
};

test('the longest name of a stage, in the region with the longest name, leaves room in each name', () => {
  const stacks = of('teaandcoffee');
  const names = stacks.flatMap(([, template]) => namesIn(template));
  const lengths = names.map(([property, text]) => {
    const { 'Fn::Join': [, parts] = ['', [JSON.parse(text)]] } = JSON.parse(text) as {
      'Fn::Join'?: [string, unknown[]];
    };
    const name = parts.map((part) => {
      const { Ref = '' } = part as { Ref?: string };
      return { 'AWS::AccountId': '123456789012', 'AWS::Region': 'ap-southeast-1' }[Ref] ?? String(part);
    });
    return { property, name: name.join('') };
  });
  expect(lengths.filter(({ property, name }) => name.length > (longest[property] ?? 255))).toEqual([]);
  const bucket = lengths.find(({ property }) => property === 'AWS::S3::Bucket BucketName');
  expect(bucket!.name).toMatch(/^counterfoil-teaandcoffee-.*-123456789012-ap-southeast-1$/);
  expect(() => of('teaandcoffees')).toThrow('is not 2 to 12');
});

test('nothing of a stage with a name of its own is called by its profile', () => {
  expect(JSON.stringify(tea).match(/counterfoil[-_/]prod\b.{0,60}/g)).toBeNull();
});
