import { describe, expect, test } from 'vitest';
import { buildDocument } from '../../infra/openapi/document.ts';
import { notedNames } from '../../infra/openapi/property-notes.ts';

type Node = Record<string, unknown>;

const document = buildDocument() as unknown as {
  paths: Record<string, Record<string, Node & { parameters?: Node[] }>>;
  components: { schemas: Record<string, Node> };
};

/** Every property below a schema: its path, and its schema. */
function* propertiesOf(node: unknown, path = ''): Generator<{ path: string; schema: Node }> {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'properties') {
      yield* propertiesOf(value, path);
      continue;
    }
    for (const [name, schema] of Object.entries(value as Record<string, Node>)) {
      const place = path === '' ? name : `${path}.${name}`;
      yield { path: place, schema };
      yield* propertiesOf(schema, place);
    }
  }
}

const properties = Object.entries(document.components.schemas).flatMap(([name, schema]) =>
  [...propertiesOf(schema)].map((property) => ({ ...property, name })),
);

describe('the reference says in words', () => {
  test('what each property means', () => {
    expect(properties.length).toBeGreaterThan(350);
    const silent = properties.filter(({ schema }) => !/\w{2}/.test(String(schema.description ?? '')));
    expect(silent.map(({ name, path }) => `${name}.${path}`)).toEqual([]);
  });

  test('what each schema stands for', () => {
    const silent = Object.entries(document.components.schemas).filter(
      ([, { description }]) => description === undefined,
    );
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  test('what each operation does and each parameter means', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(operations.length).toBeGreaterThan(50);
    for (const { operationId, description, parameters = [] } of operations) {
      expect(description, String(operationId)).toBeTypeOf('string');
      const silent = parameters.filter((parameter) => !('$ref' in parameter) && parameter.description === undefined);
      expect(
        silent.map(({ name }) => name),
        String(operationId),
      ).toEqual([]);
    }
  });

  test('what leads to and from each status of an order, and what each test payment method does', () => {
    const described = (name: string, path: string) =>
      String(properties.find((one) => one.name === name && one.path === path)?.schema.description);
    const statuses = (document.components.schemas.Order as { properties: { status: { enum: string[] } } }).properties
      .status.enum;
    for (const status of statuses) expect(described('Order', 'status')).toContain(`\`${status}\``);
    for (const method of ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_requiresAction', 'pm_timeoutAlways']) {
      expect(described('PlaceOrderRequest', 'paymentMethod')).toContain(method);
    }
  });
});

test('no note is about something that the API does not have', () => {
  const names = new Set(properties.map(({ path }) => path.split('.').at(-1)!));
  const places = new Set(properties.map(({ name, path }) => `${name}.${path}`));
  expect(notedNames.everywhere.filter((name) => !names.has(name))).toEqual([]);
  expect(notedNames.inSchema.filter((place) => !places.has(place))).toEqual([]);
  expect(notedNames.schemas.filter((name) => !(name in document.components.schemas))).toEqual([]);
});
