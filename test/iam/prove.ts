import { jobs } from '../../functions/jobs.ts';
import type { Call } from '../../infra/local/functions/calls.ts';
import { type StateMachineName, stateMachineVariables } from '../../lib/contract/deploy/route.ts';
import { stacksOf, type Templates } from '../infra/synthesized.ts';
import { allows, applies, type Request, type Statement } from './policy.ts';
import { type DeployedFunction, functionsOf, type Guards, guardsOf, tableArnOf } from './principals.ts';
import { account, region, resolve } from './resolve.ts';

/** A right that a function has: one action on one resource, both as its policy writes them. */
export type Right = { handler: string; action: string; resource: string };

export type Proof = {
  /** Sentences: which function may not do what it did, or does not reach it. */
  refused: string[];
  /** Rights that nothing needed. */
  unused: Right[];
  /** How many different requests were judged. */
  requests: number;
};

/**
 * Judges what the functions of a laptop asked of AWS by the policies of a stage: those of the function's role, of the
 * network's endpoint, of the key of a table, and of RDS Proxy's role. What AWS does for a function without a call of its own,
 * such as writing its log, is added from the template.
 */
export function prove(stage: string, templates: Templates, calls: readonly Call[]): Proof {
  const resolved = resolve(stacksOf(templates));
  const guards = guardsOf(resolved);
  const functions = functionsOf(stage, resolved);
  const refused = new Set<string>();
  const unused: Right[] = [];
  let requests = 0;
  for (const fn of functions) {
    const needs = impliedBy(fn);
    for (const call of calls.filter(({ handler }) => handler === fn.handler)) {
      const asked = requestOf(call, fn, guards);
      // A stage without a warehouse asks none.
      if (asked === undefined) continue;
      if (typeof asked === 'string') refused.add(`${fn.handler}: ${call.action} on ${call.resource}: ${asked}`);
      else needs.push(asked);
    }
    for (const need of needs) {
      const why = refusal(need, fn, guards);
      if (why !== undefined) refused.add(`${fn.handler}: ${need.action} on ${need.resource}: ${why}`);
    }
    requests += needs.length;
    unused.push(
      ...rightsOf(fn)
        .filter(({ statement }) => !needs.some((need) => applies(statement, need)))
        .map(plain),
    );
  }
  const deployed = new Set(functions.map(({ handler }) => handler));
  for (const handler of new Set(calls.map((call) => call.handler))) {
    if (!deployed.has(handler) && !handlersOfWarehouse.has(handler))
      refused.add(`${handler}: runs here and is no function of ${stage}`);
  }
  return { refused: [...refused].toSorted(), unused, requests };
}

/** Only some stages have a warehouse. */
const handlersOfWarehouse = new Set(
  Object.values(jobs)
    .filter(({ warehouse }) => warehouse !== undefined)
    .map(({ handler }) => handler),
);

const plain = ({ handler, action, resource }: Right): Right => ({ handler, action, resource });

const rightsOf = ({ handler, statements }: DeployedFunction) =>
  statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap((statement) =>
      [statement.Action ?? []].flat().flatMap((action) =>
        [statement.Resource ?? []].flat().map((resource) => ({
          handler,
          action,
          resource,
          statement: { ...statement, Action: action, Resource: resource } satisfies Statement,
        })),
      ),
    );

/** What AWS does as a function, and what the function does only where it is deployed. */
function impliedBy(fn: DeployedFunction): Request[] {
  const { inNetwork, logGroup, failures, variables } = fn;
  const on = (resource: string, context: Request['context'], ...actions: string[]): Request[] =>
    actions.map((action) => ({ action, resource, context }));
  const stream = `arn:aws:logs:${region}:${account}:log-group:${logGroup}:log-stream:one`;
  const { MAIL_FROM: from } = variables;
  const address = from?.match(/<(.+)>/)?.[1] ?? from ?? '';
  const secrets = [variables.STRIPE_SECRET_ARN, variables.STRIPE_WEBHOOK_SECRET_ARN].filter((arn) => arn !== undefined);
  return [
    ...on(stream, {}, 'logs:CreateLogStream', 'logs:PutLogEvents'),
    ...(inNetwork ? on('*', {}, ...networkInterfaces.map((action) => `ec2:${action}`)) : []),
    ...failures.flatMap((queue) => on(queue, {}, 'sqs:SendMessage')),
    ...secrets.flatMap((arn) => on(arn, {}, 'secretsmanager:GetSecretValue')),
    // SES asks for the identity that it knows: the address, or else its domain.
    ...(from === undefined ? [] : [address, address.split('@')[1]!]).flatMap((identity) =>
      on(`arn:aws:ses:${region}:${account}:identity/${identity}`, { 'ses:FromAddress': address }, 'ses:SendEmail'),
    ),
  ];
}

/** What Lambda needs to put a function into a network, by its documentation. */
const networkInterfaces = [
  'CreateNetworkInterface',
  'DescribeNetworkInterfaces',
  'DescribeSubnets',
  'DeleteNetworkInterface',
  'AssignPrivateIpAddresses',
  'UnassignPrivateIpAddresses',
];

/** What a call of a laptop asks for in a stage, or why it cannot. */
function requestOf(call: Call, fn: DeployedFunction, guards: Guards): Request | string | undefined {
  const { action, resource, context = {} } = call;
  const { variables } = fn;
  const [service] = action.split(':');
  switch (service) {
    case 'dynamodb': {
      const arn = tableArnOf(fn, resource);
      return arn === undefined ? 'no variable tells it the name of the table' : { action, resource: arn, context };
    }
    case 'states': {
      const [, kind, machine, execution] = /\b(stateMachine|execution):[\w-]+-(\w+)(:.*)?$/.exec(resource) ?? [];
      const arn = guards.machines.get(machine ?? '');
      if (arn === undefined) return 'there is no such state machine';
      const told = variables[stateMachineVariables[machine as StateMachineName]];
      // A task token alone says which execution it belongs to.
      if (told !== arn && action !== 'states:SendTaskSuccess') return 'no variable tells it the state machine';
      return {
        action,
        context,
        resource: kind === 'execution' ? arn.replace('stateMachine', 'execution') + execution : arn,
      };
    }
    case 'events': {
      const bus = variables.EVENT_BUS_NAME;
      if (bus === undefined) return 'no variable tells it the bus';
      return { action, context, resource: `arn:aws:events:${region}:${account}:event-bus/${bus}` };
    }
    case 'rds-db': {
      // The reader is behind the same proxy. A stage without one reads from the writer.
      const [role] = resource.split('@');
      if (variables.DATABASE_HOST !== guards.proxy.endpoint) return 'no variable tells it the proxy';
      return { action, context, resource: `${dbUser}:${guards.proxy.id}/${role}` };
    }
    case 's3': {
      const bucket = variables.WAREHOUSE_BUCKET;
      if (bucket === undefined) return undefined;
      return { action, context, resource: `arn:aws:s3:::${bucket}${resource === '' ? '' : '/'}${resource}` };
    }
    case 'athena': {
      const workgroup = variables.WAREHOUSE_WORKGROUP;
      if (workgroup === undefined) return undefined;
      return { action, context, resource: `arn:aws:athena:${region}:${account}:workgroup/${workgroup}` };
    }
    default:
      return 'the proof does not know this service';
  }
}

const dbUser = `arn:aws:rds-db:${region}:${account}:dbuser`;
const services: Record<string, string> = { ses: 'email' };

/** Who refuses a request; undefined when nobody does. */
function refusal({ action, resource, context }: Request, fn: DeployedFunction, guards: Guards) {
  const request = { action, resource, context: { 'aws:ResourceAccount': account, ...context } };
  if (!allows(fn.statements, request)) return 'its policy does not allow it';
  const [service = ''] = action.split(':');
  if (service === 'rds-db') {
    const onCluster = { ...request, resource: resource.replace(guards.proxy.id, guards.proxy.clusterId) };
    if (!fn.inNetwork) return 'it stands outside the network, from where nothing leads to the proxy';
    return allows(guards.proxy.statements, onCluster) ? undefined : 'the policy of the proxy’s role does not allow it';
  }
  // The logs, the interfaces and the queue of failures are Lambda's own work, outside the network.
  const calls = !['logs', 'ec2', 'sqs'].includes(service);
  if (fn.inNetwork && calls) {
    const endpoint = guards.endpoints.get(services[service] ?? service);
    if (endpoint === undefined) return 'it stands in the network, which has no endpoint for this service';
    if (!allows(endpoint, request)) return 'the policy of the endpoint does not allow it';
  }
  const key = service === 'dynamodb' ? guards.keyOf(resource) : undefined;
  if (key !== undefined) {
    const through = { 'kms:ViaService': `dynamodb.${region}.amazonaws.com`, 'kms:CallerAccount': account };
    const opens = ['kms:Decrypt', 'kms:GenerateDataKey'].every((one) =>
      allows(key.statements, { action: one, resource: key.arn, context: through }),
    );
    if (!opens) return 'the policy of the table’s key does not allow it';
  }
  return undefined;
}
