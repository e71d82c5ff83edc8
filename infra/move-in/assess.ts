import { hasEnded } from './coupon.ts';
import type { Estimate } from './estimate.ts';
import type { Mapping } from './mapping.ts';
import type { Kind, Source } from './read-rows.ts';
import { type Read, type Records, readRecords } from './records.ts';

export type Finding = { what: string; rows: number; examples: string[] };
export type FileReport = {
  kind: Kind;
  name: string;
  bytes: number | undefined;
  encoding: string;
  rows: number;
  fitting: number;
  /** Rows whose key one before has: an SKU, an e-mail address, a code, a number. They do not fit. */
  repeated: number;
  /** What it took to read them here. A load takes longer. */
  seconds: number;
  /** What will not fit, by reason, and what fits with a difference. */
  rejected: Finding[];
  notes: Finding[];
};
export type Assessment = {
  format: 1;
  assessedAt: string;
  source: string;
  files: FileReport[];
  /** Of the orders that fit, by currency: how many there are, and their sum and what was given back of it, in minor units. */
  currencies: { currency: string; orders: number; total: number; refunded: number; firstAt: string; lastAt: string }[];
  /** What names something that is not there. */
  orphans: Finding[];
  emails: { customers: number; guests: number; withPassword: number };
  /** Null unless it was measured. */
  estimate: Estimate | null;
};

const mostExamples = 5;

/** Reads a shop and says what is in them and what of it will not fit. It needs no database and changes nothing. */
export async function assessShop(sources: readonly Source[], mapping: Mapping, now: Date): Promise<Assessment> {
  const files: FileReport[] = [];
  const orphans = new Map<string, Finding>();
  const state = {
    products: new Set<string>(),
    customers: new Set<string>(),
    emails: new Set<string>(),
    guests: new Set<string>(),
    withPassword: 0,
  };
  const currencies = new Map<string, Assessment['currencies'][number]>();
  for (const source of sources) {
    const { kind, name, bytes, encoding } = source;
    const [rejected, notes] = [new Map<string, Finding>(), new Map<string, Finding>()];
    const report = { kind, name, bytes, encoding, rows: 0, fitting: 0, repeated: 0, seconds: 0 };
    const beganAt = performance.now();
    for await (const read of readRecords(source, mapping)) {
      report.rows++;
      if (looksBroken(read.raw)) add(notes, brokenText, `row ${read.row}`);
      const ended = kind === 'coupons' && hasEnded(read.record as Records['coupons'] | undefined, now);
      const reason = ended ? 'has ended' : read.reason;
      if (reason !== undefined || read.record === undefined) {
        if (reason?.startsWith('repeats ')) report.repeated++;
        add(rejected, reason!.replaceAll(/"[^"]*"|\d+|(?<=repeats )\S+(?=,)/g, '…'), `row ${read.row} ${reason}`);
        continue;
      }
      report.fitting++;
      for (const note of new Set(read.record.notes)) add(notes, note, `row ${read.row}`);
      look(kind, read as Read<Records[Kind]> & { record: Records[Kind] });
    }
    report.seconds = Math.round(performance.now() - beganAt) / 1000;
    files.push({ ...report, rejected: sorted(rejected), notes: sorted(notes) });
  }
  return {
    format: 1,
    assessedAt: now.toISOString(),
    source: mapping.source,
    files,
    currencies: [...currencies.values()].toSorted((a, b) => b.orders - a.orders),
    orphans: sorted(orphans),
    emails: { customers: state.emails.size, guests: state.guests.size, withPassword: state.withPassword },
    estimate: null,
  };

  function look(kind: Kind, { row, record }: { row: number; record: Records[Kind] }): void {
    if (kind === 'products') {
      const { id, fields, parent } = record as Records['products'];
      state.products.add(fields.sku).add(`id:${id}`);
      if (parent !== undefined && !state.products.has(parent) && !state.products.has(`id:${parent}`))
        add(orphans, 'forms of products that do not come before them', `row ${row} of products`);
    } else if (kind === 'customers') {
      const { oldId, email, passwordHash } = record as Records['customers'];
      state.customers.add(oldId);
      state.emails.add(email);
      if (passwordHash !== undefined) state.withPassword++;
    } else if (kind === 'orders') lookAtOrder(row, record as Records['orders']);
  }

  function lookAtOrder(row: number, order: Records['orders']): void {
    const { customerOldId, email, lines, currency, total, refunds, placedAt } = order;
    if (customerOldId !== undefined && !state.customers.has(customerOldId))
      add(
        orphans,
        email === undefined
          ? 'orders of customers that are not there, which will not fit'
          : 'orders of customers that are not there, which go to their e-mail address',
        `row ${row} of orders`,
      );
    if (email !== undefined && !state.emails.has(email)) state.guests.add(email);
    if (lines.some(({ sku, oldProductId }) => !state.products.has(sku) && !state.products.has(`id:${oldProductId}`)))
      add(
        orphans,
        'orders of products that are not there any more, which keep their names and prices',
        `row ${row} of orders`,
      );
    const at = placedAt.toISOString();
    const sum = currencies.get(currency) ?? { currency, orders: 0, total: 0, refunded: 0, firstAt: at, lastAt: at };
    currencies.set(currency, {
      currency,
      orders: sum.orders + 1,
      total: sum.total + total,
      refunded: refunds.reduce((all, { amount }) => all + amount, sum.refunded),
      firstAt: sum.firstAt < at ? sum.firstAt : at,
      lastAt: sum.lastAt > at ? sum.lastAt : at,
    });
  }
}

const brokenText = 'rows with letters that an earlier move has broken, such as Ã¼ for ü, which stay so';

/** Whether a text was once read in another encoding than it was written in. */
const looksBroken = (row: Record<string, unknown>): boolean =>
  Object.values(row).some(
    (value) => typeof value === 'string' && /\ufffd|\u00c3[\u0080-\u00bf]|\u00e2\u20ac/.test(value),
  );

function add(findings: Map<string, Finding>, what: string, example: string): void {
  const finding = findings.get(what) ?? { what, rows: 0, examples: [] };
  finding.rows++;
  if (finding.examples.length < mostExamples) finding.examples.push(example);
  findings.set(what, finding);
}

const sorted = (findings: Map<string, Finding>): Finding[] =>
  [...findings.values()].toSorted((a, b) => b.rows - a.rows);
