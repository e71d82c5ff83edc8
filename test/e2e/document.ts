import * as z from 'zod';

/** As much of an OpenAPI 3.1 document as the suite reads. */
export type Document = {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema>; responses: Record<string, Response> };
};
type Operation = {
  operationId: string;
  responses: Record<string, Response | { $ref: string }>;
  security?: object[];
  'x-required-scopes'?: string[];
};
type Response = {
  headers?: Record<string, unknown>;
  content?: Record<string, { schema: JsonSchema; examples?: object }>;
};
type JsonSchema = { [key: string]: unknown };

/** What the document promises of one status of one operation; `problems` are the codes that it may carry. */
export type Promised = { headers: string[]; bodies: Record<string, z.ZodType>; problems: string[] };

/** Where an operation is found: `GET`, `/orders/{orderId}`. */
export function addressOf(document: Document, operationId: string): { method: string; path: string } {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.operationId === operationId) return { method: method.toUpperCase(), path };
    }
  }
  throw new Error(`the document has no operation ${operationId}`);
}

/** A function that says what a status of an operation promises; undefined when the document does not have it. */
export function promises(document: Document): (operationId: string, status: number) => Promised | undefined {
  const $defs = toDefs(document.components.schemas) as Record<string, JsonSchema>;
  const known = new Map<string, Promised | undefined>();
  const compile = (schema: JsonSchema) => z.fromJSONSchema({ ...(toDefs(schema) as JsonSchema), $defs } as never);

  return (operationId, status) => {
    const key = `${operationId} ${status}`;
    if (!known.has(key)) known.set(key, read(operationId, status));
    return known.get(key);
  };

  function read(operationId: string, status: number): Promised | undefined {
    const { method, path } = addressOf(document, operationId);
    const found = document.paths[path]?.[method.toLowerCase()]?.responses[String(status)];
    if (found === undefined) return undefined;
    const response = isReference(found) ? document.components.responses[found.$ref.split('/').at(-1)!]! : found;
    const bodies = Object.entries(response.content ?? {}).map(([type, { schema }]) => [type, compile(schema)]);
    const problems = Object.keys(response.content?.['application/problem+json']?.examples ?? {});
    return { headers: Object.keys(response.headers ?? {}), bodies: Object.fromEntries(bodies), problems };
  }
}

const isReference = (value: object): value is { $ref: string } => '$ref' in value;

/** The same schema with its references where JSON Schema keeps them. Zod takes a relative reference for no URL. */
const toDefs = (schema: unknown): unknown =>
  JSON.parse(
    JSON.stringify(schema)
      .replaceAll('"#/components/schemas/', '"#/$defs/')
      .replaceAll('"format":"uri-reference"', '"minLength":1'),
  );
