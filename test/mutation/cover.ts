import { globSync } from 'node:fs';

/** What guards orders, stock, payments and prices, and the keys that make a request count once. */
export const folders = [
  'lib/shop/orders',
  'lib/shop/stock',
  'lib/shop/payments',
  'lib/shop/pricing',
  'lib/saga',
  'lib/events',
] as const;

/** Files of these folders, as paths from the root. */
export const sourceFiles = (): string[] =>
  globSync([
    ...folders.map((folder) => `${folder}/*.ts`),
    'lib/database/idempotency.sql.ts',
    'lib/kernel/money.ts',
  ]).sort();

export const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/'));

/** Test files by their names, in which `*` stands for anything. */
const tests = (folder: string, ...names: readonly string[]): string[] =>
  names.flatMap((name) => globSync(`test/${folder}/${name}.test.ts`).sort());

const traces = tests('sql', 'order-traces');
const steps = tests('sql', 'order-steps', 'order-locks');
const placing = tests('sql', 'place-order');
const events = tests('sql', 'domain-events');
const sagas = tests('saga', 'order-saga', 'retries', 'sweeper');
const actions = [...tests('saga', 'payment-actions'), ...tests('http', '*-payments', '*webhook*')];
const refunds = [...tests('sql', 'refund-*'), ...tests('saga', 'partial-refunds', 'refund-lines')];
const prices = tests('unit', 'pricing*');
/** What a statement reads in vain shows only in its plan. */
const plans = tests('sql', 'plans');

/**
 * The tests of each file by turns, the quickest first. Only what says the same in every run: `histories` draws its
 * cases, and what kills a mutant one day would let it live the next.
 */
const rows: readonly [pattern: RegExp, ...turns: readonly (readonly string[])[]][] = [
  [
    /^lib\/saga\/retry-compensation/,
    tests('sql', 'order-sweep', 'manual-review'),
    tests('saga', 'retry-compensation', 'manual-review'),
    plans,
  ],
  [/^lib\/saga\/(confirm|compensate)/, traces, steps, [...sagas, ...actions], tests('saga', 'manual-review')],
  [
    /^lib\/shop\/orders\/cancel/,
    [...traces, ...tests('sql', 'cancel-order'), ...tests('unit', 'saga-inputs')],
    [...tests('sql', 'order-locks', 'order-reads'), ...tests('saga', 'cancel-units')],
    sagas,
  ],
  [/^lib\/shop\/orders\/place/, placing, sagas],
  [
    /^lib\/(events\/|shop\/orders\/transition\.sql)/,
    [...events, ...traces],
    [...placing, ...steps],
    [...sagas, ...refunds],
  ],
  [/^lib\/saga\/await/, tests('sql', 'order-awaits'), actions],
  [/^lib\/saga\/sweep-refunds/, refunds, plans],
  [/^lib\/saga\/sweep/, tests('sql', 'order-sweep'), tests('saga', 'sweeper', 'manual-review'), plans],
  [/^lib\/shop\/orders\/wait/, tests('unit', 'wait')],
  [/^lib\/shop\/orders\/read/, tests('sql', 'order-reads'), plans],
  [/^lib\/shop\/orders\/transitions/, tests('unit', 'transitions')],
  [/^lib\/saga\/.*failure/, tests('unit', 'payments-failure', 'compensation-failure'), sagas],
  [/^lib\/(saga|shop\/orders)\//, tests('unit', 'saga-inputs', 'order'), [...placing, ...traces], steps, sagas],
  [/^lib\/shop\/stock\/ledger/, tests('sql', 'stock-ledger'), tests('http', 'stock'), plans],
  [
    /^lib\/shop\/stock\//,
    traces,
    [...tests('sql', 'stock-releases'), ...steps],
    sagas,
    tests('saga', 'reconciliation'),
  ],
  [
    /^lib\/shop\/payments\/(refund-lines|cancelled-units)/,
    tests('unit', 'refund-lines'),
    tests('saga', 'refund-lines', 'cancel-units'),
  ],
  [/^lib\/shop\/payments\/.*refunds?(\.sql)?\.ts/, refunds, plans],
  [/^lib\/shop\/payments\/.*webhook/, tests('unit', '*webhook*'), tests('http', '*webhook*'), actions],
  [/^lib\/shop\/payments\/stripe/, tests('unit', 'payment*')],
  [/^lib\/shop\/payments\//, tests('unit', 'payment*'), tests('saga', 'payments-*'), sagas],
  [/^lib\/shop\/pricing\/coupon-uses/, tests('sql', 'coupons')],
  [/^lib\/shop\/pricing\/priceable\.sql\.ts/, tests('sql', 'priceable'), placing, plans],
  [/^lib\/shop\/pricing\/.*\.sql\.ts/, tests('http', 'pricing')],
  [/^lib\/shop\/pricing\//, prices, tests('http', 'quotes', 'pricing')],
  [/^lib\/kernel\/money/, tests('unit', 'money'), prices],
  [/^lib\/database\/idempotency/, tests('sql', 'idempotency'), placing],
  [
    /^infra\/saga\//,
    tests('unit', 'saga*', 'docs'),
    [...sagas, ...actions],
    [...refunds, ...tests('saga', 'manual-review', 'reconciliation')],
  ],
  [/^database:stock/, tests('sql', 'schema-guards*', 'stock-ledger'), [...traces, ...steps], sagas],
  [/^database:audit/, tests('sql', 'schema-guards-rows'), tests('sql', 'audit'), tests('sql', 'manual-review')],
  [
    /^database:/,
    tests('sql', 'schema-guards*', 'refund-guards', 'order-reads', 'priceable', 'coupons'),
    [...traces, ...steps, ...placing],
    [...sagas, ...refunds],
  ],
];

/** The tests that cover a file, by turns; none when the table has no row for it. */
export const testsOf = (file: string): readonly (readonly string[])[] => {
  const [, ...turns] = rows.find(([pattern]) => pattern.test(file)) ?? [/^/];
  return turns.filter((turn) => turn.length > 0);
};

/** All test files that any mutant is tried with. */
export const coveringTests = (): string[] => [...new Set(rows.flatMap(([, ...turns]) => turns.flat()))].sort();
