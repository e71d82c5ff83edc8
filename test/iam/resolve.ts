import { exportsOf, type Resource, type Template } from '../infra/synthesized.ts';

export const account = '111111111111';
export const region = 'eu-west-1';

const pseudo: Record<string, string> = {
  'AWS::AccountId': account,
  'AWS::Region': region,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** The part of an ARN that names a resource of a type, behind the service's region and account. */
const arns: Record<string, (name: string) => string> = {
  'AWS::DynamoDB::Table': (name) => `dynamodb:${region}:${account}:table/${name}`,
  'AWS::Logs::LogGroup': (name) => `logs:${region}:${account}:log-group:${name}:*`,
  'AWS::SQS::Queue': (name) => `sqs:${region}:${account}:${name}`,
  'AWS::Lambda::Function': (name) => `lambda:${region}:${account}:function:${name}`,
  'AWS::Events::EventBus': (name) => `events:${region}:${account}:event-bus/${name}`,
  'AWS::Events::Rule': (name) => `events:${region}:${account}:rule/${name}`,
  'AWS::StepFunctions::StateMachine': (name) => `states:${region}:${account}:stateMachine:${name}`,
  'AWS::RDS::DBProxy': (name) => `rds:${region}:${account}:db-proxy:prx-${name}`,
  'AWS::KMS::Key': (name) => `kms:${region}:${account}:key/${name}`,
  'AWS::IAM::Role': (name) => `iam::${account}:role/${name}`,
  'AWS::IAM::ManagedPolicy': (name) => `iam::${account}:policy/${name}`,
  'AWS::SNS::Topic': (name) => `sns:${region}:${account}:${name}`,
};

/** Whose `Ref` is the ARN. */
const byArn = ['AWS::StepFunctions::StateMachine', 'AWS::IAM::ManagedPolicy', 'AWS::SNS::Topic'];

/** The property in which a resource of a type gets its name. */
const names = ['TableName', 'LogGroupName', 'FunctionName', 'StateMachineName', 'QueueName', 'Name'];

/** A resource of a stage, with the stack it stands in. */
export type Found = { stack: string; id: string; resource: Resource };

/** The templates of a stage as CloudFormation would resolve them: one account, and names in place of what AWS makes up. */
export type Resolved = {
  /** A value of a stack with nothing left to resolve. */
  value: <T>(stack: string, value: unknown) => T;
  ofType: (type: string) => Found[];
  /** The resource that an ARN belongs to. */
  byArn: (arn: string) => Found | undefined;
};

/** @throws Error for an intrinsic function that it does not know */
export function resolve(templates: [string, Template][]): Resolved {
  const exported = exportsOf(templates);
  const exporter = new Map(
    templates.flatMap(([stack, { Outputs = {} }]) =>
      (Object.values(Outputs) as { Export?: { Name: string } }[]).flatMap(({ Export }) =>
        Export === undefined ? [] : [[Export.Name, stack] as const],
      ),
    ),
  );
  const stacks = new Map(templates);

  const nameOf = (stack: string, id: string): string => {
    const properties = stacks.get(stack)!.Resources[id]!.Properties ?? {};
    const given = names.map((name) => properties[name]).find((name) => name !== undefined);
    return given === undefined ? id : String(value(stack, given));
  };
  const arnOf = (stack: string, id: string): string => {
    const { Type } = stacks.get(stack)!.Resources[id]!;
    const arn = arns[Type];
    return arn === undefined ? `arn:aws:${Type}/${id}` : `arn:aws:${arn(nameOf(stack, id))}`;
  };

  const functions: Record<string, (stack: string, argument: never) => unknown> = {
    Ref(stack, id: string) {
      if (id in pseudo) return pseudo[id];
      const type = stacks.get(stack)!.Resources[id]?.Type;
      return type !== undefined && byArn.includes(type) ? arnOf(stack, id) : type ? nameOf(stack, id) : `<${id}>`;
    },
    'Fn::GetAtt': (stack, [id, attribute]: [string, string]) =>
      /^(Arn|DBProxyArn)$/.test(attribute) ? arnOf(stack, id) : `${id}.${attribute}`,
    'Fn::ImportValue'(_, name: string) {
      if (!exported.has(name)) throw new Error(`no stack exports ${name}`);
      return value(exporter.get(name)!, exported.get(name));
    },
    'Fn::Join': (stack, [between, parts]: [string, unknown]) => value<string[]>(stack, parts).join(between),
    'Fn::Sub': (stack, text: string) =>
      text.replace(/\$\{([\w:]+)\}/g, (_, name: string) => value(stack, { Ref: name })),
    'Fn::Split': (stack, [between, text]: [string, unknown]) => value<string>(stack, text).split(between),
    'Fn::Select': (stack, [index, list]: [number, unknown]) => value<unknown[]>(stack, list)[Number(index)],
    'Fn::GetAZs': () => ['a', 'b', 'c'].map((zone) => `${region}${zone}`),
  };

  function value<T>(stack: string, node: unknown): T {
    if (Array.isArray(node)) return node.map((part) => value(stack, part)) as T;
    if (typeof node !== 'object' || node === null) return node as T;
    const [[key, argument] = [''], ...others] = Object.entries(node);
    const call = functions[key];
    if (call !== undefined && others.length === 0) return call(stack, argument as never) as T;
    if (key.startsWith('Fn::')) throw new Error(`the proof does not know ${key}`);
    return Object.fromEntries(Object.entries(node).map(([name, part]) => [name, value(stack, part)])) as T;
  }

  const found = templates.flatMap(([stack, { Resources }]) =>
    Object.entries(Resources).map(([id, resource]) => ({ stack, id, resource })),
  );
  const known = new Map(found.map((one) => [arnOf(one.stack, one.id), one]));
  return {
    value,
    ofType: (type) => found.filter(({ resource }) => resource.Type === type),
    byArn: (arn) => known.get(arn),
  };
}
