import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const all = /\b(?:select(?:\s+distinct)?|returning)\s+\*(?:\s+from\s+(?<name>[\w."$]+))?/gi;
const allOf = /(?:\bselect|\bdistinct|\breturning|,|`)\s*(?<name>\w+)\.\*(?=\s*(?:,|`|from\b|$))/gim;

/**
 * Places of a source text that take all columns of a table or view. A common table expression or a subquery names its own
 * columns, so taking all of those is fine.
 */
function unnamedColumns(text: string): string[] {
  const isNamed = (name = '') =>
    name !== '' &&
    (new RegExp(`\\b${name} as (?:not )?(?:materialized )?\\(`).test(text) ||
      new RegExp(`\\)\\s+${name}\\b`).test(text));
  return [all, allOf]
    .flatMap((pattern) => [...text.matchAll(pattern)])
    .filter(({ groups }) => !isNamed(groups?.name))
    .map(([found]) => found.replace(/\s+/g, ' ').trim());
}

test.each([
  ['select * from orders.orders', ['select * from orders.orders']],
  ['sql`\n  select *\n  from executions where name = ?`', ['select * from executions']],
  ['select distinct * from orders.lines', ['select distinct * from orders.lines']],
  ['insert into orders.lines (id) values (1) returning *', ['returning *']],
  ['sql`d.*,\n(select 1) as one` from orders.order_details d', ['`d.*']],
  ['select b.*, coalesce(held.units, 0) as held from stock.levels b', ['select b.*']],
  ['select a.id, b.* from b', [', b.*']],
  ['with this as materialized (select id from orders.orders) select * from this', []],
  ['select m.* from (select id from stock.movements) m', []],
  ['select * from this', ['select * from this']],
  ['select count(*) from orders.orders', []],
  ['select price * quantity from orders.lines', []],
  ["text.replace(/,a.*b/, '')", []],
])('%j', (text, expected) => {
  expect(unnamedColumns(text)).toEqual(expected);
});

/** A prepared statement that takes all columns breaks when a migration adds one, and it hides what its reader gets. */
test('no statement takes all columns of a table or view', () => {
  const files = ['lib', 'functions', 'infra'].flatMap((folder) => globSync(`${folder}/**/*.{ts,sql}`));
  expect(files.length).toBeGreaterThan(200);
  const found = files.flatMap((file) => unnamedColumns(readFileSync(file, 'utf8')).map((place) => `${file}: ${place}`));
  expect(found).toEqual([]);
});
