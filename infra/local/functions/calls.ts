import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { HttpRequest } from '@smithy/protocol-http';
import { watchAwsCalls } from '../../../lib/platform/aws/caller.ts';
import { watchPools } from '../../../lib/platform/pools.ts';
import { ownerOf } from '../states/callbacks.ts';

/** What a function does on AWS, with the names that this stack gives to things. */
export type Call = {
  /** File under functions/, without its ending. */
  handler: string;
  /** As IAM names it: `dynamodb:GetItem`. */
  action: string;
  /** A table, a login role with `@reader` behind it at the reader, an ARN of Step Functions, an event bus, or a file of the warehouse. */
  resource: string;
  /** Condition keys that the call itself says. */
  context?: Record<string, string>;
};

type Body = Record<string, unknown>;
type Asked = Omit<Call, 'handler'>;

/**
 * Writes each distinct call of a function to AWS to a file, a line of JSON each. Calls are read where they are handed to
 * HTTP, so they are what would be sent, retries and pages included. Work that one function starts and others wait for counts
 * for the one that started it.
 * @returns what runs a function so that its calls are known as its own
 */
export function recordCalls(file: string): <T>(handler: string, run: () => Promise<T>) => Promise<T> {
  const running = new AsyncLocalStorage<string>();
  const known = new Set<string>();
  const record = (asked: Asked): void => {
    const handler = running.getStore();
    if (handler === undefined) return;
    const line = JSON.stringify({ handler, ...asked } satisfies Call);
    if (known.has(line)) return;
    known.add(line);
    appendFileSync(file, `${line}\n`);
  };
  const { handle } = NodeHttpHandler.prototype;
  NodeHttpHandler.prototype.handle = function (request, options) {
    for (const asked of askedOf(request as HttpRequest)) record(asked);
    return handle.call(this, request, options);
  };
  watchAwsCalls((call, send) => {
    for (const asked of askedOf(requestOf(call))) record(asked);
    return send();
  });
  watchPools((name) => record({ action: 'rds-db:connect', resource: name }));
  return (handler, run) => running.run(handler, run);
}

type Request = Pick<HttpRequest, 'headers' | 'body' | 'method' | 'path' | 'query'>;

/** A call of our own as the SDK would send it. */
export const requestOf = ({ target, body }: { target: string; body: string }): Request => ({
  method: 'POST',
  path: '/',
  query: {},
  headers: { 'x-amz-target': target },
  body,
});

/** What a request asks IAM for. A request of an unknown kind is recorded by its address, so that it is not overlooked. */
export function askedOf({ headers, body, method, path, query = {} }: Request): Asked[] {
  const [, bucket, ...key] = path.split('/');
  if (bucket !== undefined && bucket === process.env.WAREHOUSE_BUCKET) return onBucket(method, key, 'delete' in query);
  const [service = '', operation = ''] = (headers['x-amz-target'] ?? '').split('.');
  const input: Body = body === undefined ? {} : JSON.parse(typeof body === 'string' ? body : decoder.decode(body));
  if (service.startsWith('DynamoDB')) return onTables(operation, input);
  if (service === 'AWSStepFunctions') return onStates(operation, input);
  if (service === 'AWSEvents') return onBus(operation, input);
  if (service === 'AmazonAthena') return [{ action: `athena:${operation}`, resource: 'workgroup' }];
  if (service === 'secretsmanager') return [{ action: `${service}:${operation}`, resource: String(input.SecretId) }];
  return [{ action: `unknown:${service}`, resource: `${method} ${path}` }];
}

const decoder = new TextDecoder();

/** Files by the folder that they are in, because no policy of ours tells them apart. */
function onBucket(method: string, key: readonly string[], deletes: boolean): Asked[] {
  const [folder = '', ...name] = key;
  const file = name.length === 0 ? folder : `${folder}/any`;
  if (deletes) return ['lease.json', 'manifests/any', 'links/any', 'data/any'].map(deleted);
  if (file === '') return [{ action: 's3:ListBucket', resource: '' }];
  return [{ action: method === 'PUT' ? 's3:PutObject' : 's3:GetObject', resource: file }];
}

const deleted = (resource: string): Asked => ({ action: 's3:DeleteObject', resource });

const transactWrites: Record<string, string> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};

/** A transaction needs the rights of what is in it, and none of its own. */
function onTables(operation: string, { TableName, IndexName, RequestItems, TransactItems }: Body): Asked[] {
  const on = (action: string, table: unknown): Asked => ({ action: `dynamodb:${action}`, resource: String(table) });
  if (TransactItems !== undefined) {
    const parts = (TransactItems as Record<string, { TableName: string }>[]).flatMap((item) => Object.entries(item));
    return parts.map(([kind, part]) => on(transactWrites[kind] ?? 'GetItem', part.TableName));
  }
  if (RequestItems !== undefined) return Object.keys(RequestItems as object).map((table) => on(operation, table));
  return [on(operation, IndexName === undefined ? TableName : `${TableName}/index/${IndexName}`)];
}

function onStates(operation: string, input: Body): Asked[] {
  const named = input.stateMachineArn ?? anyExecution(input.executionArn) ?? machineOf(String(input.taskToken));
  return [{ action: `states:${operation}`, resource: String(named) }];
}

/** IAM tells executions of one state machine apart by their names, which no policy of ours does. */
const anyExecution = (arn: unknown): string | undefined =>
  arn === undefined ? undefined : String(arn).replace(/[^:]+$/, 'any');

/** The state machine that a task token belongs to: IAM asks for a right on it. */
function machineOf(token: string): string | undefined {
  const owner = ownerOf(token);
  return owner && `stateMachine:${owner.machine}`;
}

const onBus = (operation: string, { Entries }: Body): Asked[] =>
  (Entries as Record<string, string>[]).map(({ EventBusName, Source }) => ({
    action: `events:${operation}`,
    resource: EventBusName ?? 'default',
    context: { 'events:source': Source! },
  }));
