import { type Column, columnsOf, looks, wordsOf } from './columns.ts';
import { findGroups } from './draft-groups.ts';
import { couponPlaces, customerPlaces, linePlaces, orderPlaces, productPlaces, type Wanted } from './draft-places.ts';
import { together } from './layouts.ts';
import type { Kind, RawRow, Source } from './read-rows.ts';

export type Draft = {
  /** What the mapping file says. */
  mapping: Record<string, unknown>;
  /** For the person who completes it: what was found where, and what was not. */
  notes: { kind: Kind; place: string; column: string | undefined; needed: boolean }[];
  /** Statuses of orders that have no known meaning here. */
  unknownStatuses: string[];
  /** Columns that nothing was made of. */
  unused: { kind: Kind; columns: string[] }[];
};

/** Drafts the mapping of a shop that nobody has described, from the names of its columns and what is in them. */
export async function draftMapping(sources: readonly Source[], source: string): Promise<Draft> {
  const draft: Draft = {
    mapping: { basedOn: 'nothing', source, currency: 'EUR', prefix: 'OLD' },
    notes: [],
    unknownStatuses: [],
    unused: [],
  };
  for (const { kind, rows } of sources) {
    const { columns, groups } = await describe(kind, rows);
    const left = new Set(columns);
    const find = (wanted: readonly Wanted[], among: ReadonlySet<Column> = left) => {
      const found = assign(wanted, [...among]);
      for (const column of found.values()) left.delete(column);
      for (const { place, needed = false } of wanted)
        draft.notes.push({ kind, place, column: found.get(place)?.name, needed });
      return placesOf(wanted, found);
    };
    const places = draftOf[kind](find, { left, columns, draft, differing: groups?.differing ?? new Set() });
    draft.mapping[kind] = { ...(groups && { groupedBy: groups.by }), ...places };
    draft.unused.push({ kind, columns: [...left].map(({ name }) => name) });
  }
  return draft;
}

const numbered: Partial<Record<Kind, readonly Wanted[]>> = { customers: customerPlaces, orders: orderPlaces };

/** The columns of an export. Where one thing has several rows, the first of each counts, and `(rows)` has all. */
async function describe(kind: Kind, rows: () => AsyncIterable<RawRow>) {
  const { columns } = await columnsOf(rows());
  const wanted = numbered[kind];
  const groups = wanted && (await findGroups(rows, columns, wanted));
  return groups === undefined
    ? { columns, groups }
    : { columns: (await columnsOf(together(rows(), groups.by))).columns, groups };
}

/** What a draft found, for the terminal. */
export function draftLines({ notes, unknownStatuses, unused }: Draft): string[] {
  const lines = notes
    .filter(({ column, needed }) => column !== undefined || needed)
    .map(({ kind, place, column }) => `${kind}.${place}: ${column ?? 'nothing found, and it is needed'}`);
  if (unknownStatuses.length > 0)
    lines.push(`Statuses of orders that are not past, or not known: ${unknownStatuses.join(', ')}`);
  for (const { kind, columns } of unused)
    if (columns.length > 0) lines.push(`Not used of ${kind}: ${columns.join(', ')}`);
  return lines;
}

type Find = (wanted: readonly Wanted[], among?: ReadonlySet<Column>) => Record<string, unknown>;
/** `differing` are the columns in which rows of one thing differ. */
type Context = { left: Set<Column>; columns: Column[]; draft: Draft; differing: ReadonlySet<string> };

const draftOf: Record<Kind, (find: Find, context: Context) => Record<string, unknown>> = {
  products: (find, { columns, draft }) => {
    const places = find(productPlaces);
    const inKilos = / kg\b/.test(columns.find(({ name }) => name === places.weight)?.words ?? '');
    if (inKilos) draft.mapping.gramsPerWeight = 1000;
    return places;
  },
  customers: (find, { left, columns }) => ({
    ...find(customerPlaces),
    address: find(addressPlaces(''), named(left, columns)),
  }),
  orders: (find, { left, columns, draft, differing }) => {
    const [billing, delivery] = (['(billing|bill|invoice)', '(shipping|ship|delivery)'] as const).map((of) =>
      find(addressPlaces(of)),
    );
    // What differs from row to row is of the lines.
    for (const column of columns) if (differing.has(column.name)) left.delete(column);
    const lines = columns.find((column) => looks.lines(column.values) && [...fieldsOf(column)].some(isQuantity));
    if (lines !== undefined) left.delete(lines);
    const places = find(orderPlaces);
    const status = columns.find(({ name }) => name === places.status);
    const ofOrder = new Set(Object.values(places));
    const fields =
      lines && new Set([...fieldsOf(lines)].filter(({ name }) => differing.has(name) || !ofOrder.has(name)));
    return {
      ...places,
      ...(lines === undefined ? {} : { lines: lines.name, line: find(linePlaces, fields) }),
      billing,
      delivery,
      statuses: statusesOf(status, draft),
    };
  },
  coupons: (find) => find(couponPlaces),
};

const named = (left: ReadonlySet<Column>, columns: readonly Column[]): Set<Column> =>
  // A customer's name is that of the address, too.
  new Set([...left, ...columns.filter(({ words }) => /name/.test(words))]);

/** The best column for each place, each column once: the surest first. */
function assign(wanted: readonly Wanted[], columns: readonly Column[]): Map<string, Column> {
  const found = new Map<string, Column>();
  const taken = new Set<Column>();
  const scored = wanted.flatMap(({ place, names, fits }) =>
    columns.flatMap((column) => {
      const at = names.findIndex((name) => new RegExp(`^(${name})$`).test(column.words));
      const suits = fits === undefined || (column.values.length > 0 && fits(column.values));
      if (at < 0 && !(fits === looks.email || fits === looks.hash)) return [];
      return suits ? [{ place, column, score: at < 0 ? 100 : at }] : [];
    }),
  );
  for (const { place, column } of scored.toSorted((a, b) => a.score - b.score || b.column.filled - a.column.filled)) {
    if (found.has(place) || taken.has(column)) continue;
    found.set(place, column);
    taken.add(column);
  }
  return found;
}

const placesOf = (wanted: readonly Wanted[], found: ReadonlyMap<string, Column>): Record<string, unknown> =>
  Object.fromEntries(
    wanted.flatMap(({ place }) => {
      const column = found.get(place);
      return column === undefined ? [] : [[place, column.name]];
    }),
  );

/** Places of an address whose columns begin with such a word. */
function addressPlaces(of: string): Wanted[] {
  const before = of === '' ? '((billing|default|address|home) )?' : `${of} (address |to )?`;
  const place = (place: string, name: string, fits?: Wanted['fits']): Wanted => ({
    place,
    names: [`${before}${name}`],
    ...(fits && { fits }),
  });
  return [
    place('firstName', `(first|given|vor) ?name|${before}name`),
    place('lastName', '(last|family|sur|nach) ?name'),
    place('company', '(company|firma|organi[sz]ation)'),
    place('line1', '(address|street|strasse|line)( line)?( 1)?'),
    place('line2', '(address|street|line)( line)? 2'),
    place('postalCode', '(post(al)? ?code|zip( code)?|plz|postcode)'),
    place('city', '(city|town|ort|stadt)'),
    place('region', '(state|province|region|county)'),
    place('country', '(country|land)( code)?', looks.country),
    ...(of === ''
      ? [
          place('defaultShipping', '(is )?default shipping( address)?'),
          place('defaultBilling', '(is )?default billing( address)?'),
        ]
      : []),
  ];
}

const isQuantity = ({ words }: Column): boolean => /quantity|qty|menge|anzahl/.test(words);

/** The fields of the lines in a column, as columns of their own. */
function fieldsOf({ values }: Column): Set<Column> {
  const fields = new Map<string, Column>();
  for (const value of values)
    for (const [name, text] of value.startsWith('[') ? jsonFields(value) : textFields(value)) {
      const field = fields.get(name) ?? { name, words: wordsOf(name), values: [], filled: 0 };
      fields.set(name, field);
      if (text !== '' && field.filled++ < 300) field.values.push(text);
    }
  return new Set(fields.values());
}

const textFields = (value: string): [string, string][] =>
  value.split(/[;|]/).map((field) => [field.slice(0, field.indexOf(':')).trim(), field.slice(field.indexOf(':') + 1)]);

function jsonFields(value: string): [string, string][] {
  try {
    const items = JSON.parse(value) as Record<string, unknown>[];
    return items.flatMap((item) =>
      Object.entries(item).flatMap(([name, field]): [string, string][] =>
        typeof field === 'object' ? [] : [[name, String(field)]],
      ),
    );
  } catch {
    return [];
  }
}

const meanings = [
  [/refund|erstattet/, 'cancelled'],
  [/cancel|void|storniert|annul/, 'cancelled'],
  [/fail|declin|error/, 'failed'],
  [/complete|deliver|shipped|fulfilled|done|closed|versandt|abgeschlossen|expedie/, 'delivered'],
  [/processing|paid|confirmed|bezahlt|paye/, 'confirmed'],
] as const;

/** What the statuses of orders mean, as far as their words say. Those of orders that have not ended are left out. */
function statusesOf(column: Column | undefined, draft: Draft): Record<string, string> {
  const statuses: Record<string, string> = {};
  for (const value of new Set(column?.values ?? [])) {
    const words = wordsOf(value);
    const meaning = /^(un|not |partially )/.test(words) ? undefined : meanings.find(([words_]) => words_.test(words));
    if (meaning === undefined) draft.unknownStatuses.push(value);
    else statuses[value] = meaning[1];
  }
  return statuses;
}
