import { functionNameOf } from '../../infra/constructs/names.ts';
import { handlerSources } from '../../infra/handlers.ts';
import { tableVariable } from '../../lib/contract/deploy/tables.ts';
import type { Statement } from './policy.ts';
import { account, type Found, type Resolved, region } from './resolve.ts';

/** A function as it is deployed: what it may do, its variables, and where it stands. */
export type DeployedFunction = {
  /** File under functions/, without its ending. */
  handler: string;
  statements: Statement[];
  variables: Record<string, string>;
  inNetwork: boolean;
  logGroup: string;
  /** Where its failed runs go. */
  failures: string[];
};

type Role = { RoleName?: string; Policies?: Policy[]; ManagedPolicyArns?: string[] };
type Policy = { PolicyDocument: { Statement: Statement[] }; Roles?: string[] };

/** Every function of a stage that has a handler. */
export function functionsOf(stage: string, resolved: Resolved): DeployedFunction[] {
  const handlers = new Map(Object.keys(handlerSources()).map((handler) => [functionNameOf(stage, handler), handler]));
  const failures = resolved.ofType('AWS::Lambda::EventInvokeConfig').map(({ stack, resource }) => ({
    ...resolved.value<{ FunctionName: string; DestinationConfig?: { OnFailure?: { Destination: string } } }>(
      stack,
      resource.Properties,
    ),
  }));
  return resolved.ofType('AWS::Lambda::Function').flatMap(({ stack, resource }) => {
    const { FunctionName, Role, Environment, VpcConfig, LoggingConfig } = resolved.value<{
      FunctionName: string;
      Role: string;
      Environment?: { Variables: Record<string, string> };
      VpcConfig?: object;
      LoggingConfig: { LogGroup: string };
    }>(stack, resource.Properties);
    const handler = handlers.get(FunctionName);
    if (handler === undefined) return [];
    return {
      handler,
      statements: statementsOf(resolved, Role),
      variables: Environment?.Variables ?? {},
      inNetwork: VpcConfig !== undefined,
      logGroup: LoggingConfig.LogGroup,
      failures: failures.flatMap((one) =>
        one.FunctionName === FunctionName && one.DestinationConfig?.OnFailure !== undefined
          ? [one.DestinationConfig.OnFailure.Destination]
          : [],
      ),
    };
  });
}

/** What a role may do: its inline and its attached policies. */
export function statementsOf(resolved: Resolved, roleArn: string): Statement[] {
  const role = resolved.byArn(roleArn);
  if (role === undefined) throw new Error(`no stack has the role ${roleArn}`);
  const { Policies = [], ManagedPolicyArns = [] } = propertiesOf<Role>(resolved, role);
  const attached = ManagedPolicyArns.flatMap((arn) => {
    const policy = resolved.byArn(arn);
    return policy === undefined ? [] : propertiesOf<Policy>(resolved, policy).PolicyDocument.Statement;
  });
  const policies = resolved
    .ofType('AWS::IAM::Policy')
    .filter(({ stack }) => stack === role.stack)
    .map((policy) => propertiesOf<Policy>(resolved, policy))
    .filter(({ Roles = [] }) => Roles.includes(role.id));
  return [...Policies, ...policies].flatMap(({ PolicyDocument }) => PolicyDocument.Statement).concat(attached);
}

const propertiesOf = <T>(resolved: Resolved, { stack, resource }: Found): T =>
  resolved.value<T>(stack, resource.Properties);

/** What may refuse a call that the policies of the function allow. */
export type Guards = {
  /** The policies of the network's endpoints, by the service that they lead to. */
  endpoints: Map<string, Statement[]>;
  /** The key that a table is encrypted with, and that key's policy. */
  keyOf: (tableArn: string) => { arn: string; statements: Statement[] } | undefined;
  /** RDS Proxy: its endpoint, the ids in `rds-db:connect` for it and for the cluster, and what its own role may do. */
  proxy: { endpoint: string; id: string; clusterId: string; statements: Statement[] };
  machines: Map<string, string>;
};

/** Statements of a resource's policy that are about anybody. One about the account only lets policies of roles decide. */
const forAnybody = (statements: (Statement & { Principal?: unknown })[] = []): Statement[] =>
  statements.filter(({ Principal }) => Principal === '*' || (Principal as { AWS?: unknown } | undefined)?.AWS === '*');

export function guardsOf(resolved: Resolved): Guards {
  const one = <T>(type: string): T & { id: string } => {
    const [found] = resolved.ofType(type);
    if (found === undefined) throw new Error(`no stack has an ${type}`);
    return { id: found.id, ...propertiesOf<T>(resolved, found) };
  };
  const proxy = one<{ RoleArn: string; DBProxyName: string }>('AWS::RDS::DBProxy');
  const documentOf = (found: Found) =>
    propertiesOf<{ PolicyDocument?: { Statement: Statement[] }; KeyPolicy?: { Statement: Statement[] } }>(
      resolved,
      found,
    );
  return {
    endpoints: new Map(
      resolved.ofType('AWS::EC2::VPCEndpoint').map((found) => {
        const { ServiceName } = propertiesOf<{ ServiceName: string }>(resolved, found);
        return [ServiceName.split('.').at(-1)!, forAnybody(documentOf(found).PolicyDocument?.Statement)];
      }),
    ),
    keyOf(tableArn) {
      const table = propertiesOf<{ SSESpecification?: { KMSMasterKeyId?: string } }>(
        resolved,
        resolved.byArn(tableArn.split('/index/')[0]!)!,
      );
      const arn = table.SSESpecification?.KMSMasterKeyId;
      return arn === undefined
        ? undefined
        : { arn, statements: forAnybody(documentOf(resolved.byArn(arn)!).KeyPolicy?.Statement) };
    },
    proxy: {
      endpoint: `${proxy.id}.Endpoint`,
      id: `prx-${proxy.id}`,
      clusterId: `${one('AWS::RDS::DBCluster').id}.DBClusterResourceId`,
      statements: statementsOf(resolved, proxy.RoleArn),
    },
    machines: new Map(
      resolved
        .ofType('AWS::StepFunctions::StateMachine')
        .map((found) => propertiesOf<{ StateMachineName: string }>(resolved, found).StateMachineName)
        .map((name) => [name.split('-').at(-1)!, `arn:aws:states:${region}:${account}:stateMachine:${name}`]),
    ),
  };
}

/** The ARN of a table by the variable that tells a function its name; undefined when the function is not told. */
export function tableArnOf({ variables }: DeployedFunction, table: string): string | undefined {
  const [name = '', ...index] = table.split('/');
  const physical = variables[tableVariable(name)];
  return physical && [`arn:aws:dynamodb:${region}:${account}:table/${physical}`, ...index].join('/');
}
