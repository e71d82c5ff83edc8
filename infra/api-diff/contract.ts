import * as z from 'zod/mini';
import type { EventDefinition } from '../../lib/contract/events/define-event.ts';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';
import { webhookEvents, webhookPing } from '../../lib/contract/events/webhook-events.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON Schema and OpenAPI, of any shape
export type Json = any;

export type Operation = {
  id: string;
  /** Any one of these will do; none of them when anybody may call. */
  credentials: string[];
  scopes: string[];
  /** By `<in> <name>`. */
  parameters: Record<string, { required: boolean; style?: string; schema: Json }>;
  body?: { required: boolean; content: Record<string, Json> };
  answers: Record<string, { content: Record<string, Json>; headers: string[]; problems: string[] }>;
};

/** What clients and consumers of a release rely on, without prose and examples. */
export type Contract = {
  release: string;
  /** By method and path, with `{}` for each parameter of the path. */
  operations: Record<string, Operation>;
  problems: string[];
  schemas: Record<string, Json>;
  /** By `<type>@<version>`. */
  events: Record<string, Json>;
};

/** The contract that an OpenAPI 3.1 document and definitions of events make. */
export function contractOf(
  document: Json,
  events: readonly EventDefinition[] = [...domainEvents, ...webhookEvents, webhookPing],
): Contract {
  const { schemas = {}, ...components } = document.components ?? {};
  const resolve = (value: Json): Json => {
    const [, group, name] = /^#\/components\/(\w+)\/(.+)$/.exec(value.$ref ?? '') ?? [];
    return group === undefined ? value : components[group][name!];
  };
  const { code, ...problem } = schemas.Problem?.properties ?? {};
  const bare = code === undefined ? schemas : { ...schemas, Problem: { ...schemas.Problem, properties: problem } };
  const operations = Object.entries<Json>(document.paths).flatMap(([path, item]) =>
    Object.entries<Json>(item).map(([method, operation]) => [
      `${method.toUpperCase()} ${path.replace(/\{[^}]*\}/g, '{}')}`,
      operationOf(operation, path, resolve),
    ]),
  );
  return {
    release: document.info.version,
    operations: Object.fromEntries(operations),
    problems: code?.enum ?? [],
    schemas: withoutProse(bare, true),
    events: Object.fromEntries(
      events.map(({ type, version, data }) => [`${type}@${version}`, withoutProse(z.toJSONSchema(data))]),
    ),
  };
}

function operationOf(operation: Json, path: string, resolve: (value: Json) => Json): Operation {
  const body = operation.requestBody === undefined ? undefined : resolve(operation.requestBody);
  const names = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name);
  const parameters = (operation.parameters ?? []).map(resolve).map((parameter: Json) => [
    // A name within a path is not sent.
    `${parameter.in} ${parameter.in === 'path' ? names.indexOf(parameter.name) + 1 : parameter.name}`,
    {
      required: parameter.required === true,
      ...(parameter.style === undefined ? {} : { style: parameter.style }),
      schema: withoutProse(parameter.schema),
    },
  ]);
  const answers = Object.entries<Json>(operation.responses).map(([status, response]) => {
    const { content = {}, headers = {} } = resolve(response);
    const problems = Object.keys(content['application/problem+json']?.examples ?? {});
    return [status, { content: schemasOf(content), headers: Object.keys(headers), problems }];
  });
  return {
    id: operation.operationId,
    credentials: (operation.security ?? []).map((each: object) => Object.keys(each).sort().join('+')),
    scopes: operation['x-required-scopes'] ?? [],
    parameters: Object.fromEntries(parameters),
    ...(body === undefined ? {} : { body: { required: body.required === true, content: schemasOf(body.content) } }),
    answers: Object.fromEntries(answers),
  };
}

const schemasOf = (content: Record<string, Json>): Record<string, Json> =>
  Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, withoutProse(schema ?? {})]));

const prose = new Set(['$schema', 'description', 'title', 'examples', 'example', '$comment']);
const named = new Set(['properties', 'patternProperties', '$defs']);

/** A schema, or schemas by name, without what only people read. A property may have such a name and stays. */
function withoutProse(schema: Json, byName = false): Json {
  if (Array.isArray(schema)) return schema.map((each) => withoutProse(each, false));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => byName || !prose.has(key))
      .map(([key, value]) => [key, withoutProse(value, named.has(key) && !byName)]),
  );
}
