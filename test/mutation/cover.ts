import { globSync } from 'node:fs';

/** What guards orders, stock, payments and prices, and the keys that make a request count once. */
export const folders = ['lib/orders', 'lib/stock', 'lib/payments', 'lib/pricing', 'lib/idempotency'] as const;

/** Files of these folders, as paths from the root. */
export const sourceFiles = (): string[] => globSync(folders.map((folder) => `${folder}/*.ts`)).sort();

export const folderOf = (file: string): string => file.split('/').slice(0, 2).join('/');

const sql = (name: string) => `test/sql/${name}.test.ts`;
const saga = (name: string) => `test/saga/${name}.test.ts`;
const unit = (name: string) => `test/unit/${name}.test.ts`;
const http = (name: string) => `test/http/${name}.test.ts`;

const steps = sql('order-steps');
const sagas = [saga('order-saga'), saga('sweeper')];
const placing = sql('place-order');

/**
 * The tests of each file by turns, the quickest first. Only what says the same in every run: `histories` draws its
 * cases, and what kills a mutant one day would let it live the next.
 */
const tests: readonly [pattern: RegExp, turns: readonly (readonly string[])[]][] = [
  [/^lib\/orders\/(place|confirm|undo|cancel)/, [[steps, placing], sagas]],
  [/^lib\/orders\/sweep/, [[saga('sweeper')]]],
  [/^lib\/orders\/transitions/, [[unit('transitions')]]],
  [/^lib\/orders\//, [[placing, steps], sagas]],
  [/^lib\/stock\/ledger/, [[sql('stock-ledger')], [http('stock')]]],
  [/^lib\/stock\/reservations/, [[steps], sagas]],
  [/^lib\/payments\/stripe/, [[unit('payments-stripe'), unit('payments-stripe-errors'), unit('payments-failure')]]],
  [/^lib\/payments\//, [[unit('payments-failure')], [saga('payments-simulated')], sagas]],
  [/^lib\/pricing\/.*\.sql\.ts/, [[placing], [http('quotes')]]],
  [/^lib\/pricing\//, [[unit('pricing'), unit('pricing-properties')], [http('quotes')]]],
  [/^lib\/idempotency\//, [[sql('idempotency')], [placing]]],
  [/^infra\/saga\//, [[unit('docs')], sagas]],
  [/^database:(stock|catalog)/, [[sql('schema-guards-stock')], [steps, sql('stock-ledger')], sagas]],
  [/^database:/, [[sql('schema-guards')], [steps, placing, unit('transitions')], sagas]],
];

/** The tests that cover a file, by turns; none when the table has no row for it. */
export const testsOf = (file: string): readonly (readonly string[])[] =>
  tests.find(([pattern]) => pattern.test(file))?.[1] ?? [];

/** All test files that any mutant is tried with. */
export const coveringTests = (): string[] => [...new Set(tests.flatMap(([, turns]) => turns.flat()))].sort();
