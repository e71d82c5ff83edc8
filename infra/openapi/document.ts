import { readFileSync } from 'node:fs';
import { routes } from '../../functions/routes.ts';
import { reportTypes } from '../../lib/contract/api/formats.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { operations, tagOf } from '../../lib/contract/api/operations.ts';
import { type Scope, scopes } from '../../lib/contract/deploy/roles.ts';
import type { Auth, Route } from '../../lib/contract/deploy/route.ts';
import type { Document, Operation, Parameter, Response } from '../../lib/contract/docs/document.ts';
import { type Examples, exampleOf, examplesOf } from './example-of.ts';
import { headerReferences, requestHeaders, requestHeadersOf, responseHeaders, successHeadersOf } from './headers.ts';
import { problemExamples, problemResponses, sharedResponses } from './problem-responses.ts';
import { bodySchema, componentSchemas, propertiesOf, responseSchema } from './schemas.ts';
import { conventions, operationNotes, parameterNotes, statusNote, tags } from './texts.ts';

/** This API as an OpenAPI 3.1 document, out of the HTTP table and the contract. */
export function buildDocument(): Document {
  const paths: Document['paths'] = {};
  for (const route of Object.values(routes)) {
    if ((operations[route.operation] as OperationContract).unpublished) continue;
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  const shared = sharedResponses(paths);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Counterfoil',
      summary: 'Customers, catalogue, stock and orders of a shop.',
      version: packageVersion(),
      description: conventions,
      contact: { name: 'Counterfoil', url: 'https://counterfoil.dev' },
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags,
    paths,
    components: {
      schemas: componentSchemas(),
      parameters: { ...requestHeaders },
      headers: responseHeaders,
      responses: shared as Document['components']['responses'],
      examples: problemExamples({ paths, shared }),
      securitySchemes: {
        client: {
          type: 'apiKey',
          in: 'header',
          name: 'Client-Id',
          description:
            'The id of a `mobile` or `web` application, which keeps no secret. A web page must be of one of its origins.',
        },
        session: {
          type: 'http',
          scheme: 'bearer',
          description:
            'The token that `POST /sessions` answers with. It is bound to the application that asked for it, and can do no more than that application.',
        },
        appKey: {
          type: 'http',
          scheme: 'bearer',
          description: `The key of a \`server\` or \`analytics\` application. What an application may do is given to it by scopes: ${scopes.map(describeScope).join('; ')}.`,
        },
      },
    },
  };
}

function operation(route: Route): Operation {
  const contract: OperationContract = operations[route.operation];
  const example = examplesOf(route.operation);
  const description = contract.description ?? operationNotes[route.operation];
  return {
    operationId: route.operation,
    summary: contract.summary,
    ...(description === undefined ? {} : { description }),
    tags: [tagOf(route.operation)],
    security: schemesFor(route).map((scheme) => ({ [scheme]: [] })),
    ...(route.scopes.length === 0 ? {} : { 'x-required-scopes': [...route.scopes] }),
    parameters: [
      ...parameters('path', contract.path),
      ...parameters('query', contract.query),
      ...requestHeadersOf(contract),
    ] as Operation['parameters'],
    ...(contract.signed === undefined ? {} : { requestBody: signedBody }),
    ...(contract.raw === undefined ? {} : { requestBody: fileOf(contract.raw.types) }),
    ...(contract.body === undefined
      ? {}
      : {
          requestBody: {
            required: !contract.bodyOptional,
            content: { 'application/json': { schema: bodySchema(contract.body), example: example.request } },
          },
        }),
    responses: responses(route, contract, example.answers),
  };
}

/** A file of rows. What a row has is described where the operation is. */
const fileOf = (types: readonly string[]) => ({
  required: true,
  content: Object.fromEntries(types.map((type) => [type, { schema: {} }])),
});

/** Described by whoever signs it. */
const signedBody = { required: true, content: { 'application/json': { schema: { type: 'object' } } } };

/** Any one of them will do. What the application must be allowed besides stands in `x-required-scopes`. */
const schemesOf: Readonly<Record<Auth, readonly string[]>> = {
  public: [],
  client: ['client', 'session', 'appKey'],
  customer: ['session'],
  session: ['session'],
  app: ['appKey'],
  customerOrApp: ['session', 'appKey'],
};

/** Most orders are those of customers who are signed in: samples and generated clients take the first scheme. */
const schemesFor = ({ auth, scopes }: Pick<Route, 'auth' | 'scopes'>): readonly string[] =>
  auth === 'client' && scopes.some((scope) => scope.startsWith('orders:'))
    ? ['session', 'client', 'appKey']
    : schemesOf[auth];

function parameters(place: 'path' | 'query', schema: OperationContract['path']): Parameter[] {
  if (schema === undefined) return [];
  return propertiesOf(schema).map(({ name, required, schema: property }) => ({
    name,
    in: place,
    required: required || place === 'path',
    ...(parameterNotes[name] === undefined ? {} : { description: parameterNotes[name] }),
    schema: property,
    ...(property.type === 'array' ? { style: 'form' as const, explode: false } : {}),
    ...(property.type === 'object' ? { style: 'deepObject' as const, explode: true } : {}),
    ...(place === 'path' ? { example: exampleOf(property, name) } : {}),
  }));
}

/** A report as a file, whose columns are the properties of the rows of its JSON. */
const otherForms = {
  [reportTypes.csv]: { schema: { type: 'string' } },
  [reportTypes.parquet]: { schema: { type: 'string', format: 'binary' } },
};

function responses(route: Route, contract: OperationContract, answers: Examples['answers']) {
  const all: Record<string, Response> = {};
  for (const [status, schema] of Object.entries(contract.responses)) {
    const code = Number(status);
    all[status] = {
      description: statusNote(contract, code),
      headers: headerReferences(successHeadersOf(route, contract, code)),
      ...(schema === null
        ? {}
        : {
            content: {
              [contract.contentType ?? 'application/json']: {
                schema: responseSchema(schema),
                ...(answers[code] === undefined ? {} : { example: answers[code] }),
              },
              ...(contract.formats ? otherForms : {}),
            },
          }),
    };
  }
  if (contract.etag) {
    all[304] = {
      description: 'Your copy is still good.',
      headers: headerReferences(['ETag', ...successHeadersOf(route, contract, 304)]),
    };
  }
  for (const [status, problem] of Object.entries(problemResponses(route, contract)) as [string, Response][]) {
    const there = all[status];
    all[status] =
      there === undefined
        ? problem
        : {
            description: `${there.description}\n\n${problem.description}`,
            headers: { ...there.headers, ...problem.headers },
            content: { ...there.content, ...problem.content },
          };
  }
  return all;
}

const scopeNotes: Readonly<Record<Scope, string>> = {
  'catalog:read': 'read products and categories, and price baskets',
  'catalog:write': 'add and change products and categories',
  'stock:read': 'read the ledger',
  'stock:write': 'move stock',
  'orders:read': 'read the orders of its customers',
  'orders:place': 'place, pay and cancel orders for its customers',
  'orders:capture': 'take the payments that orders have authorized',
  'orders:refund': 'give back what orders were paid with',
  'orders:fulfil': 'pack, ship and deliver orders',
  'returns:manage': 'receive and reject returns, and request them for customers',
  'orders:review': 'see what is stuck or disagrees, and put it right',
  'customers:read': 'read names, e-mails and addresses',
  'customers:write':
    'sign customers up, change and erase them; by a key, make them premium, suspend them, end their sessions',
  'feeds:write': 'say when customers were in touch, without seeing who they are',
  'events:read': 'read what happened to all orders, customers and refunds',
  'reports:read': 'read reports',
  'reports:schedule': 'have reports sent by mail and webhook',
  'webhooks:manage': 'have events sent to its own endpoints',
  'applications:manage': 'register applications, change them and cut them off',
  'audit:read': 'read who did and read what',
};

const describeScope = (scope: Scope): string => `\`${scope}\`, to ${scopeNotes[scope]}`;

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
