import type { Schema } from './document.ts';
import { type Html, html, inline, join } from './html.ts';

/** A table of what an object has, nested objects by their path. */
export function propertyTable(schema: Schema): Html {
  const rows = rowsOf(schema, '');
  if (rows.length === 0) return html`<p class="type">${typeOf(schema)}</p>\n`;
  return html`<table>
<thead><tr><th>Field</th><th>Type</th><th>Notes</th></tr></thead>
<tbody>
${rows.map(
  ({ path, required, property }) =>
    html`<tr><td><code>${path}</code>${!required && html` <small>optional</small>`}</td><td>${typeOf(property)}</td><td>${notesOf(property)}</td></tr>\n`,
)}</tbody>
</table>
`;
}

/** A schema's type in a few words, with links to those that have a name. */
export function typeOf(schema: Schema): Html {
  const { $ref, anyOf, oneOf, allOf, type, items } = schema as Parts;
  if ($ref !== undefined) {
    const name = $ref.split('/').at(-1)!;
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  const alternatives = anyOf ?? oneOf;
  if (alternatives !== undefined) return join(alternatives.map(typeOf), ' or ');
  if (allOf !== undefined) return typeOf(allOf[0]!);
  if (Array.isArray(type))
    return join(
      type.map((one) => html`${one}`),
      ' or ',
    );
  if (type === 'array') return items === undefined ? html`array` : html`array of ${typeOf(items)}`;
  return html`${type ?? 'anything'}`;
}

/** What a schema allows, beyond its type. */
export function notesOf(schema: Schema): Html {
  const parts = schema as Parts;
  const inner = parts.anyOf?.find((one) => (one as Parts).type !== 'null');
  if (inner !== undefined) return notesOf(inner);
  const notes: Html[] = [];
  if (parts.description !== undefined) notes.push(html`${inline(parts.description)}`);
  if (parts.const !== undefined) notes.push(html`<code>${String(parts.const)}</code>`);
  if (parts.enum !== undefined)
    notes.push(
      join(
        parts.enum.map((value) => html`<code>${String(value)}</code>`),
        ', ',
      ),
    );
  const range = rangeOf(parts);
  if (range !== undefined) notes.push(html`${range}`);
  if (parts.format !== undefined && parts.format !== 'int64') notes.push(html`${parts.format}`);
  if (parts.pattern !== undefined) notes.push(html`<code>${parts.pattern}</code>`);
  if (parts.default !== undefined) notes.push(html`default <code>${JSON.stringify(parts.default)}</code>`);
  return join(notes, ' · ');
}

type Parts = {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  const?: unknown;
  type?: string | string[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  description?: string;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
};

type Row = { path: string; required: boolean; property: Schema };

function rowsOf(schema: Schema, prefix: string): Row[] {
  const { properties = {}, required = [], anyOf, oneOf, type, items } = schema as Parts;
  const alternatives = anyOf ?? oneOf;
  if (alternatives !== undefined) return alternatives.flatMap((one) => rowsOf(one, prefix));
  if (type === 'array' && items !== undefined) return rowsOf(items, `${prefix.replace(/\.$/, '')}[].`);
  return Object.entries(properties).flatMap(([name, property]) => [
    { path: `${prefix}${name}`, required: required.includes(name), property },
    ...rowsOf(property, `${prefix}${name}.`),
  ]);
}

function rangeOf(parts: Parts): string | undefined {
  const [least, most, unit] =
    parts.type === 'array'
      ? [parts.minItems, parts.maxItems, ' items']
      : parts.type === 'string'
        ? [parts.minLength, parts.maxLength, ' characters']
        : [parts.minimum, parts.maximum, ''];
  const grouped = (value: number) => value.toLocaleString('en').replaceAll(',', '\u202f').replace('-', '−');
  if (least !== undefined && most !== undefined) return `${grouped(least)} to ${grouped(most)}${unit}`;
  if (least !== undefined) return `at least ${grouped(least)}${unit}`;
  return most === undefined ? undefined : `at most ${grouped(most)}${unit}`;
}
