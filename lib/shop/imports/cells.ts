/*
 * Cells of a table as fields. A heading with a dot is a field in a field: `price.amount`, `attributes.colour`.
 */

const numbers = new Set(['price.amount', 'costPrice.amount', 'weight', 'quantity']);
const truths = new Set(['active']);
/** What a cell holds as JSON, since it has many values. */
const json = new Set(['images', 'metadata', 'options']);

/** @throws Error with what is wrong with the heading */
export function checkHeading(heading: readonly string[]): void {
  const odd = heading.find((name) => !/^[A-Za-z]+(\.[^.]+)?$/.test(name) || name.endsWith('.__proto__'));
  if (odd !== undefined) throw new Error(`The heading has ${JSON.stringify(odd)}, which is no name of a field.`);
  const twice = heading.find((name, at) => heading.indexOf(name) < at);
  if (twice !== undefined) throw new Error(`The heading has ${twice} twice.`);
}

/** The object of a row; an empty cell is left out. Or why it has none. */
export function toObject(heading: readonly string[], cells: readonly string[]): { value: object } | { detail: string } {
  const value: Record<string, unknown> = {};
  for (const [at, name] of heading.entries()) {
    const cell = cells[at]!;
    if (cell === '') continue;
    const read = readCell(name, cell);
    if (read === undefined) return { detail: `${name} is not JSON` };
    const [field, inner] = name.split('.') as [string, string?];
    if (inner === undefined) value[field] = read.value;
    else value[field] = { ...(value[field] as object | undefined), [inner]: read.value };
  }
  return { value };
}

/** What is no number or truth stays text, so that the schema says what it should be. */
function readCell(name: string, cell: string): { value: unknown } | undefined {
  if (json.has(name)) {
    try {
      return { value: JSON.parse(cell) };
    } catch {
      return undefined;
    }
  }
  const attribute = name.startsWith('attributes.');
  if ((numbers.has(name) || attribute) && String(Number(cell)) === cell) return { value: Number(cell) };
  if ((truths.has(name) || attribute) && (cell === 'true' || cell === 'false')) return { value: cell === 'true' };
  return { value: cell };
}
