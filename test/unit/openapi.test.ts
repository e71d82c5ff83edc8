import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type * as z from 'zod/mini';
import * as mini from 'zod/mini';
import { routes } from '../../functions/routes.ts';
import { generate } from '../../infra/docs/generate.ts';
import { buildDocument } from '../../infra/openapi/document.ts';
import { examplesOf } from '../../infra/openapi/example-of.ts';
import { problemsOf } from '../../infra/openapi/problem-responses.ts';
import { tags } from '../../infra/openapi/texts.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { type OperationId, operations, tagOf } from '../../lib/contract/api/operations.ts';
import { type ProblemCode, problems, problemTypeBase } from '../../lib/contract/api/problems.ts';
import { scopes } from '../../lib/contract/deploy/roles.ts';
import type { Operation } from '../../lib/contract/docs/document.ts';

const document = buildDocument();
const root = new URL('../../', import.meta.url);
const all = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const operationOf = (id: OperationId) => all.find(({ operation }) => operation.operationId === id)!.operation;

describe('the generated files', () => {
  test.each(Object.entries(generate()))('%s is what is committed', (path, text) => {
    expect(readFileSync(new URL(path, root), 'utf8') === text, 'stale: run "npm run docs"').toBe(true);
  });
});

describe('the document', () => {
  test('has every route once, under its id, method and path', () => {
    const listed = all.map(({ path, method, operation }) => `${operation.operationId} ${method.toUpperCase()} ${path}`);
    const routed = Object.values(routes)
      .filter(({ operation }) => operation !== 'answer-unrouted')
      .map(({ operation, method, path }) => `${operation} ${method} ${path}`);
    expect(listed.toSorted()).toEqual(routed.toSorted());
    expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(Object.keys(operations).length - 1);
  });

  test('refers only to what it has, and has nothing that is not referred to', () => {
    const references = new Set(
      [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, target]) => target!),
    );
    const present = new Set(
      Object.entries(document.components).flatMap(([kind, entries]) =>
        Object.keys(entries as object).map((name) => `${kind}/${name}`),
      ),
    );
    expect([...references].filter((target) => !present.has(target))).toEqual([]);
    const unused = [...present].filter((target) => !references.has(target) && !target.startsWith('securitySchemes/'));
    expect(unused.filter((target) => !/^(responses|examples)\//.test(target))).toEqual([]);
  });

  test('declares each parameter of a path, and no other', () => {
    for (const { path, operation } of all) {
      const declared = operation.parameters.flatMap((parameter) =>
        'in' in parameter && parameter.in === 'path' ? [parameter.name] : [],
      );
      expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      for (const parameter of operation.parameters) {
        if (!('in' in parameter) || parameter.in !== 'path') continue;
        expect(parameter.required).toBe(true);
        const { schema, example } = parameter as { schema: { pattern?: string }; example?: unknown };
        expect(example, `${path}: ${parameter.name}`).toMatch(new RegExp(schema.pattern ?? ''));
      }
    }
  });

  test('tells for each operation who may call it', () => {
    expect(operationOf('get-health').security).toEqual([]);
    expect(operationOf('place-order')).toMatchObject({
      security: [{ session: [] }, { client: [] }, { appKey: [] }],
      'x-required-scopes': ['orders:place'],
    });
    expect(operationOf('create-quote')).toMatchObject({
      security: [{ client: [] }, { session: [] }, { appKey: [] }],
      'x-required-scopes': ['catalog:read'],
    });
    expect(operationOf('create-product').security).toEqual([{ appKey: [] }]);
    const { description } = (document.components.securitySchemes as Record<string, { description: string }>).appKey!;
    for (const scope of scopes) expect(description).toContain(`\`${scope}\``);
  });

  test('tells which header fields an operation takes', () => {
    const taken = (id: OperationId) =>
      operationOf(id).parameters.flatMap((parameter) =>
        '$ref' in parameter ? [parameter.$ref.split('/').at(-1)] : [],
      );
    expect(taken('place-order')).toEqual(['IdempotencyKeyRequired', 'Prefer', 'RequestId']);
    expect(taken('cancel-order')).toEqual(['IdempotencyKeyAccepted', 'Prefer', 'OrderToken', 'RequestId']);
    expect(taken('update-product')).toEqual(['IfMatch', 'RequestId']);
    expect(taken('get-product')).toEqual(['IfNoneMatch', 'RequestId']);
    expect(taken('sign-out')).toEqual(['RequestId']);
  });

  test('tells which header fields come with an answer', () => {
    const coming = (id: OperationId, status: number) =>
      Object.keys(resolve(operationOf(id).responses[status]!).headers ?? {});
    const limits = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy'];
    expect(coming('place-order', 202)).toEqual([
      'Location',
      'Order-Token',
      'Idempotency-Replayed',
      'Preference-Applied',
      ...limits,
    ]);
    expect(coming('get-product', 200)).toEqual(['ETag', ...limits]);
    expect(coming('get-product', 304)).toEqual(['ETag', ...limits]);
    expect(coming('create-product', 201)).toEqual(['Location', 'ETag', 'Idempotency-Replayed', ...limits]);
    expect(coming('update-product', 200)).toEqual(['ETag', ...limits]);
    expect(coming('sign-out', 204)).toEqual(limits);
    expect(coming('get-health', 200)).toEqual(['X-Request-Id']);
    expect(coming('list-products', 429)).toEqual([...limits, 'Retry-After']);
    expect(coming('get-me', 401)).toEqual([...limits, 'WWW-Authenticate']);
  });

  test.each(Object.keys(operations) as OperationId[])(
    'what %s is said to answer with is what its handler sets',
    (id) => {
      const handler = readFileSync(new URL(`functions/${routes[id].handler}.ts`, root), 'utf8');
      const contract: OperationContract = operations[id];
      const told = contract.headers ?? [];
      const domain: OperationId[] = [
        'place-order',
        'cancel-order',
        'request-refund',
        'create-fulfilment',
        'request-return',
        'request-capture',
      ];
      if (!domain.includes(id)) expect(told.includes('Location'), 'Location').toBe(/\blocation:/.test(handler));
      const tagged = contract.etag === true || contract.ifMatch === true || told.includes('ETag');
      expect(tagged, 'ETag').toBe(contract.etag === true || /\betag:/.test(handler));
    },
  );

  test('groups every operation', () => {
    expect([...new Set((Object.keys(operations) as OperationId[]).map(tagOf))].toSorted()).toEqual(
      tags.map(({ name }) => name).toSorted(),
    );
    for (const { operation } of all) expect(tags.map(({ name }) => name)).toContain(operation.tags[0]);
  });
});

/** Answered before it is known which operation is meant. */
const notOfOperations = new Set(['bad-request', 'route-not-found', 'method-not-allowed']);

describe('the problems of an operation', () => {
  const of = (id: OperationId) => problemsOf(routes[id], operations[id]);

  test('are its own, and those of its kind', () => {
    expect(of('place-order')).toEqual([
      'invalid-json',
      'invalid-input',
      'idempotency-key-missing',
      'idempotency-key-invalid',
      'unauthenticated',
      'forbidden',
      'request-in-flight',
      'too-many-unpaid-orders',
      'total-changed',
      'coupon-used-up',
      'body-too-large',
      'unsupported-media-type',
      'idempotency-key-reused',
      'contact-missing',
      'customer-unknown',
      'country-unknown',
      'postal-code-invalid',
      'shipping-method-missing',
      'shipping-address-missing',
      'shipping-method-unavailable',
      'tax-rate-missing',
      'coupon-unknown',
      'coupon-not-valid',
      'coupon-needs-account',
      'coupon-without-effect',
      'product-not-available',
      'product-has-options',
      'currencies-mixed',
      'amount-too-large',
      'rate-limited',
      'internal',
      'unavailable',
    ]);
    expect(of('get-product')).toEqual([
      'invalid-input',
      'unauthenticated',
      'forbidden',
      'not-found',
      'rate-limited',
      'internal',
      'unavailable',
    ]);
    expect(of('get-health')).toEqual(['invalid-input', 'internal', 'unavailable']);
    expect(of('update-product')).toEqual(expect.arrayContaining(['forbidden', 'version-stale', 'sku-taken']));
  });

  test('stand in the document under their status', () => {
    for (const { operation } of all) {
      const listed = Object.entries(operation.responses).flatMap(([status, response]) => {
        const codes = Object.keys(resolve(response).content?.['application/problem+json']?.examples ?? {});
        for (const code of codes) expect(String(problems[code as ProblemCode].status)).toBe(status);
        return codes;
      });
      expect(listed.toSorted(), operation.operationId).toEqual(
        [...of(operation.operationId as OperationId)].toSorted(),
      );
    }
  });

  test('each have an example of the shape that comes, and a section in docs/problems.md', () => {
    const page = readFileSync(new URL('docs/problems.md', root), 'utf8');
    const shown = document.components.examples as Record<string, { value: Record<string, unknown> }>;
    for (const [code, { status, title }] of Object.entries(problems)) {
      if (!notOfOperations.has(code))
        expect(shown[code]!.value).toMatchObject({ type: problemTypeBase + code, title, status, code });
      expect(page).toContain(`\n## ${code}\n\n**${status}** · ${title} · \`${problemTypeBase}${code}\`\n`);
      expect(page).toContain(`](#${code})`);
    }
  });
});

describe('the examples', () => {
  test.each(Object.keys(operations) as OperationId[])('of %s are what its contract takes and gives', (id) => {
    const { request, answers } = examplesOf(id);
    const contract: OperationContract = operations[id];
    if (contract.body !== undefined) expect(check(contract.body, request)).toBe(true);
    for (const [status, answer] of Object.entries(answers)) {
      expect(check(contract.responses[Number(status)]!, answer), status).toBe(true);
    }
    const bodies = Object.entries(contract.responses).filter(([, schema]) => schema !== null);
    const generated = id === 'get-openapi' || id === 'get-docs';
    expect(Object.keys(answers)).toEqual(generated ? [] : bodies.map(([status]) => status));
  });
});

describe('the schemas', () => {
  const schemas = document.components.schemas as Record<string, Record<string, unknown>>;

  test('of requests take nothing unknown; a default may be left out', () => {
    for (const [name, schema] of Object.entries(schemas)) {
      const { anyOf = [schema] } = schema as { anyOf?: Record<string, unknown>[] };
      const branches = anyOf.map((one) => (typeof one.$ref === 'string' ? schemas[one.$ref.split('/').at(-1)!]! : one));
      if (name.endsWith('Request')) for (const one of branches) expect(one.additionalProperties, name).toBe(false);
    }
    expect(schemas.CreateProductRequest!.required).toEqual(['sku', 'name', 'price']);
  });

  test('of answers may grow', () => {
    for (const name of ['Product', 'Order', 'Customer', 'ListOrdersResponse']) {
      expect(schemas[name]).not.toHaveProperty('additionalProperties');
    }
  });

  test('say nothing of the limits of JavaScript', () => {
    const text = JSON.stringify(document);
    expect(text).not.toContain(String(Number.MAX_SAFE_INTEGER));
    expect(text).not.toContain('\\\\p{');
  });

  test('are used by name wherever they are the same', () => {
    expect(schemas.Order!.properties).toMatchObject({
      total: { $ref: '#/components/schemas/Money' },
      lines: { items: { $ref: '#/components/schemas/OrderedLine' } },
    });
    expect(schemas.ListOrdersResponse!.properties).toMatchObject({
      data: { items: { $ref: '#/components/schemas/Order' } },
    });
  });
});

const check = (schema: z.ZodMiniType, value: unknown): true | string => {
  const result = mini.safeParse(schema, value);
  return result.success || JSON.stringify(result.error.issues);
};

function resolve(response: Operation['responses'][string]) {
  return '$ref' in response ? document.components.responses[response.$ref.split('/').at(-1)!]! : response;
}
