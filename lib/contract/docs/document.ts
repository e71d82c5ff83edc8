/** A JSON Schema of the 2020-12 dialect, which OpenAPI 3.1 takes as it is. */
export type Schema = { [key: string]: unknown };

/** The parts of an OpenAPI 3.1 document that its readers here rely on. */
export type Document = {
  openapi: string;
  info: { title: string; version: string; description: string; summary: string; license: Schema; contact: Schema };
  tags: { name: string; description: string; externalDocs?: { url: string; description: string } }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    parameters: Record<string, Parameter>;
    responses: Record<string, Response>;
    /** Of each problem, by its code. */
    examples: Record<string, { summary: string; description: string; value: { status: number } }>;
  } & Schema;
} & Schema;

export type Parameter = {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
  /** How a list is written, with commas, and a map, as `name[member]`. */
  style?: 'form' | 'deepObject';
  explode?: boolean;
  example?: unknown;
};
export type Content = Record<string, { schema: Schema; example?: unknown; examples?: Record<string, Schema> }>;
export type Response = { description: string; headers?: Schema; content?: Content };
export type Operation = {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  security: Record<string, string[]>[];
  /** The scopes that the caller's application needs, all of them. */
  'x-required-scopes'?: string[];
  parameters: (Parameter | { $ref: string })[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, Response | { $ref: string }>;
};
