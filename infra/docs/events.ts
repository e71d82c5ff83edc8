import * as z from 'zod/mini';
import type { EventDefinition } from '../../lib/contract/events/define-event.ts';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';
import { code, markdownTable } from './table.ts';

type Schema = {
  type?: string | readonly string[];
  pattern?: string;
  description?: string;
  enum?: readonly string[];
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
};

/** Events: a table of all, then the fields and an example of each. */
export function eventTables(events: readonly EventDefinition[] = domainEvents): string {
  const index = markdownTable(
    ['type', 'version', 'when'],
    events.map(({ type, version, description }) => [
      `[${code(type)}](#${type.replace('.', '')})`,
      String(version),
      description,
    ]),
  );
  const details = events.map(
    ({ type, data, example }) =>
      `### ${code(type)}\n\n${fieldTable(z.toJSONSchema(data) as Schema)}\n\n` +
      `\`\`\`json\n${JSON.stringify(example, undefined, 2)}\n\`\`\``,
  );
  return [index, ...details].join('\n\n');
}

const fieldTable = (schema: Schema): string => markdownTable(['field', 'type', 'holds'], fieldsOf(schema, ''));

/** Rows of an object's fields. A list's fields follow it as `list[].field`, and an object's as `object.field`. */
const fieldsOf = ({ properties = {} }: Schema, prefix: string): string[][] =>
  Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const row = [code(path), typeOf(field), field.description ?? ''];
    if (field.items !== undefined) return [row, ...fieldsOf(field.items, `${path}[].`)];
    return isMoney(field) ? [row] : [row, ...fieldsOf(field, `${path}.`)];
  });

function typeOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (isMoney(schema)) {
    const reasons = schema.properties?.reason?.enum;
    return reasons === undefined ? 'money' : `money with ${code('reason')} (${reasons.map(code).join(', ')})`;
  }
  const prefix = /^\^([a-z]+_)\[0-9a-f\]/.exec(schema.pattern ?? '')?.[1];
  if (prefix !== undefined) return `id, ${code(`${prefix}…`)}`;
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  return schema.type === 'array' ? 'list' : String(schema.type ?? '');
}

const isMoney = ({ properties = {} }: Schema): boolean => 'amount' in properties && 'currency' in properties;
