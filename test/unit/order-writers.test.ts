import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { envelopeOf, personalFieldsOf } from '../../lib/contract/events/define-event.ts';
import { customerUpdated, domainEvents } from '../../lib/contract/events/domain-events.ts';

const root = resolve(import.meta.dirname, '../..');
const sources = globSync('{lib,functions,infra}/**/*.ts', { cwd: root }).map((file) => ({
  file,
  text: readFileSync(join(root, file), 'utf8'),
}));
const filesWith = (pattern: RegExp) => sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

describe('an order changes in one place', () => {
  const writer = 'lib/shop/orders/transition.sql.ts';

  test('which alone writes its timeline', () => {
    expect(filesWith(/\binto\s+orders\.timeline\b/i)).toEqual([writer]);
  });

  test('which alone inserts orders', () => {
    expect(filesWith(/\binto\s+orders\.orders\b/i)).toEqual([writer]);
  });

  test('which alone sets a status or a version', () => {
    const setters = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/\bupdate\s+orders\.orders\b([^`]*)/gi)].map(([, set]) => ({ file, set: set! })),
    );
    const others = setters.filter(({ file }) => file !== writer);
    // It leaves both as they are, and is no transition.
    expect(others.map(({ file }) => file)).toEqual(['lib/saga/compensate.sql.ts']);
    for (const { set } of others) expect(set.split(/\bwhere\b/)[0]).not.toMatch(/\b(status|version)\b|\$\{(?!at\})/);
    expect(setters.length).toBe(2);
  });

  test('whose events alone go to the outbox, through one insert', () => {
    expect(filesWith(/\binto\s+outbox\.events\b/i)).toEqual(['lib/events/outbox.sql.ts']);
    const others = [
      'lib/accounts/customers/erase.sql.ts',
      'lib/accounts/customers/events.sql.ts',
      'lib/analytics/subscriptions/runs.sql.ts',
      'lib/events/suspensions.sql.ts',
      'lib/shop/catalog/rows.sql.ts',
    ];
    expect(filesWith(/\binsertEvents\(/).toSorted()).toEqual([writer, ...others].toSorted());
  });
});

describe('a domain event', () => {
  test('stands in the table of docs/events.md with what the contract says about it', () => {
    const page = readFileSync(join(root, 'docs/events.md'), 'utf8');
    const rows = [...page.matchAll(/^\| \[`([a-z]+\.\w+)`\]\(#\w+\) \| (\d+) \| (.+) \|$/gm)];
    expect(rows.map(([, type, version, when]) => [type, Number(version), when])).toEqual(
      domainEvents.map(({ type, version, description }) => [type, version, description]),
    );
  });

  test('is defined once', () => {
    const types = domainEvents.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
  });

  test('has its type written out where it is defined, and nowhere else', () => {
    for (const { type } of domainEvents) {
      expect(filesWith(new RegExp(`'${type.replace('.', '\\.')}'`)).filter((file) => file.startsWith('lib/'))).toEqual([
        'lib/contract/events/domain-events.ts',
      ]);
    }
    expect(filesWith(/'(order|refund)\.'/)).toEqual([]);
  });

  test.each(domainEvents.map((event) => [event.type, event] as const))(
    '%s has an example that fits',
    (_type, event) => {
      expect(event.data.parse(event.example)).toEqual(event.example);
      expect(event.data.safeParse({ ...event.example, more: 1 }).success).toBe(false);
    },
  );

  test.each(domainEvents.map((event) => [event.type, event] as const))('%s is described', (_type, event) => {
    expect(event.description).toMatch(/^[A-Z].*\.$/);
    const { properties = {} } = z.toJSONSchema(envelopeOf(event)) as { properties?: Record<string, Property> };
    const told = { ...properties, ...properties.data?.properties };
    const silent = Object.entries(told).filter(
      ([name, { description }]) => !description && !['type', 'data'].includes(name),
    );
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  test('marks what it says about a person', () => {
    const personal = /email|address|password|phone|firstName|lastName|paymentMethod|token|secret/i;
    for (const definition of domainEvents) {
      const marked = personalFieldsOf(definition);
      const others = Object.keys(definition.data.shape).filter((name) => !marked.includes(name));
      const shown = others.map((name) => z.toJSONSchema(definition.data.shape[name] as z.ZodMiniType));
      expect(`${others} ${JSON.stringify(shown.map(({ properties, items }) => [properties, items]))}`).not.toMatch(
        personal,
      );
    }
    expect(personalFieldsOf(customerUpdated)).toEqual(['email', 'name']);
  });
});

type Property = { description?: string; properties?: Record<string, Property> };
