import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { type OperationId, operations } from '../../lib/contract/api/operations.ts';
import type { Schema } from '../../lib/contract/docs/document.ts';
import { type IdKind, idPattern } from '../../lib/kernel/ids.ts';
import { exampleCodes, exampleIds, exampleTexts, exampleThings, exampleTime } from './example-things.ts';
import { telling } from './examples.ts';
import { bodySchema, componentSchemas, responseSchema } from './schemas.ts';

export type Examples = { request?: unknown; answers: Readonly<Record<number, unknown>> };

/** A request and its answers by status: those that were written down, the others as their schemas give them. */
export function examplesOf(operation: OperationId): Examples {
  const { body, responses }: OperationContract = operations[operation];
  const written = telling[operation] as Partial<Examples> | undefined;
  const answers = Object.entries(responses).flatMap(([status, schema]) => {
    const answer =
      schema === null ? undefined : (written?.answers?.[Number(status)] ?? exampleOf(responseSchema(schema)));
    return answer === undefined ? [] : [[status, answer]];
  });
  return {
    ...(body === undefined ? {} : { request: written?.request ?? exampleOf(bodySchema(body)) }),
    answers: Object.fromEntries(answers),
  };
}

/**
 * What a schema takes, made of the examples of things, ids and texts. What may be left out is, what may be null is null,
 * and a text or map of anything has no example. A test holds each result against the contract.
 * @param name of the property that has this schema
 */
export function exampleOf(schema: Schema, name = ''): unknown {
  const {
    $ref,
    anyOf,
    oneOf,
    const: only,
    enum: values,
    type,
    items,
    properties = {},
    required = [],
  } = schema as Parts;
  if ($ref !== undefined) {
    const thing = $ref.split('/').at(-1)!;
    return exampleThings[thing] ?? exampleOf(components[thing]!, name);
  }
  if (only !== undefined) return only;
  if (values !== undefined) return values[0];
  const alternatives = anyOf ?? oneOf;
  if (alternatives !== undefined) {
    return alternatives.some((one) => one.type === 'null') ? null : exampleOf(alternatives[0]!, name);
  }
  switch (type) {
    case 'object': {
      const known = Object.entries(properties).filter(([property]) => required.includes(property));
      if (known.length === 0) return name === '' ? undefined : {};
      return Object.fromEntries(known.map(([property, inner]) => [property, exampleOf(inner, property)]));
    }
    case 'array':
      return [exampleOf(items!, name)];
    case 'boolean':
      return name !== 'hasMore';
    case 'integer':
    case 'number':
      return 1;
    case 'string':
      return name === '' ? undefined : textOf(schema as Parts, name);
    default:
      return null;
  }
}

const components = componentSchemas();

type Parts = {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  const?: unknown;
  enum?: unknown[];
  type?: string | string[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  format?: string;
  pattern?: string;
};

function textOf({ format, pattern }: Parts, name: string): string {
  if (format === 'date-time') return exampleTime;
  if (format === 'date') return exampleTime.slice(0, 10);
  const kind = (Object.keys(exampleIds) as IdKind[]).find((each) =>
    pattern?.includes(idPattern(each).source.slice(1, -1)),
  );
  if (name === 'code') return exampleCodes.find((code) => pattern === undefined || new RegExp(pattern).test(code))!;
  return (kind && exampleIds[kind]) ?? exampleTexts[name] ?? 'text';
}
