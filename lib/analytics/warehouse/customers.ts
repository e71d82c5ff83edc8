import { always } from './dimensions.ts';
import type { DataFile } from './files.ts';
import { type Batches, type Row, readRows } from './parquet.ts';
import type { Store } from './store.ts';

type Segment = 'premium' | 'standard';
type State = { segment: Segment | null; country: string | null };
/** What a moment says of a customer. Of orders at the same moment the last one counts. */
type Moment = State & { at: number; id: string };

/** A buyer whose order became theirs later was a guest then, and of no segment of customers. */
const segmentOf = (segment: unknown): Segment | null =>
  segment === 'premium' || segment === 'standard' ? segment : null;

/**
 * Makes the versions of every customer (a slowly changing dimension of type 2). An order says what its buyer was at the moment of
 * the sale, so a sale finds exactly that, however rarely somebody loads; a load adds what customers are now. Orders come month by month.
 * @param known rows of `dim_customer`, of the load before
 */
export function createCustomers(known: readonly Row[]) {
  const moments = new Map<string, Moment[]>();
  const touched = new Set<string>();
  const add = (key: string, moment: Moment) => {
    const some = moments.get(key);
    if (some === undefined) moments.set(key, [moment]);
    else some.push(moment);
  };
  const versions = Map.groupBy(known, ({ customer_key }) => customer_key as string);
  /** When somebody first bought as another than they were known to be then. */
  const changed = new Map<string, number>();
  for (const { customer_key, valid_from, segment, country } of known) {
    const state = { segment: segmentOf(segment), country: (country ?? null) as string | null };
    add(customer_key as string, { ...state, at: (valid_from as Date).getTime(), id: '' });
  }
  return {
    order({ customer_key: key, confirmed_at, order_id, segment, country }: Row): void {
      if (key == null) return;
      touched.add(key as string);
      const state = { segment: segmentOf(segment), country: (country ?? null) as string | null };
      const at = (confirmed_at as Date).getTime();
      const then = versions.get(key as string)?.findLast(({ valid_from }) => timeOf(valid_from)! <= at);
      if (then !== undefined && !says(then, state))
        changed.set(key as string, Math.min(at, changed.get(key as string) ?? at));
      add(key as string, { ...state, at, id: order_id as string });
    },
    /** Whether a sale of a month has to be told too, since its customer bought as another before than was known. */
    needs({ customer_key: key, confirmed_at }: Row): boolean {
      return key != null && (confirmed_at as Date).getTime() > (changed.get(key as string) ?? Number.POSITIVE_INFINITY);
    },
    /** When the first such customer did so; undefined when there is none. */
    changedFrom: (): number | undefined => (changed.size === 0 ? undefined : Math.min(...changed.values())),
    /** Nothing more comes of a month: of a customer with a thousand orders, few say something new. */
    endMonth(): void {
      for (const key of touched) {
        const sorted = moments.get(key)!.toSorted(byTime);
        moments.set(
          key,
          sorted.filter((moment, n) => n === 0 || !isSame(moment, sorted[n - 1]!)),
        );
      }
      touched.clear();
    },
    /** @param now every customer who is not erased, as they are at `at`, by pseudonym */
    async rows(now: Batches, at: Date): Promise<Row[]> {
      const all: Row[] = [];
      for await (const some of now) {
        for (const { customer_key, segment, signed_up } of some) {
          const past = (moments.get(customer_key as string) ?? []).toSorted(byTime);
          // A shop's clock may be ahead of the database's: what somebody is now comes after all that they bought.
          const last = Math.max(at.getTime(), (past.at(-1)?.at ?? 0) + 1);
          const own = versionsOf([...past, { at: last, id: '', segment: segmentOf(segment), country: null }]);
          all.push(...own.map((version) => ({ customer_key, signed_up, ...version })));
        }
      }
      return all.toSorted(
        (a: Row, b: Row) =>
          compare(a.customer_key as string, b.customer_key as string) ||
          (a.valid_from as Date).getTime() - (b.valid_from as Date).getTime(),
      );
    },
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const byTime = (a: Moment, b: Moment): number => a.at - b.at || compare(a.id, b.id);
const isSame = (a: State, b: State): boolean => a.segment === b.segment && a.country === b.country;

type Version = State & { valid_from: Date; valid_to: Date | null };

/** Versions that follow each other without a gap, from the first moment to now. What a moment does not say stays. */
function versionsOf(moments: readonly Moment[]): Version[] {
  let state: State = {
    segment: moments.find(({ segment }) => segment !== null)?.segment ?? null,
    country: moments.find(({ country }) => country !== null)?.country ?? null,
  };
  const begins = new Date(Math.min(always.getTime(), moments[0]!.at));
  const versions: Version[] = [{ ...state, valid_from: begins, valid_to: null }];
  for (const [n, { at, segment, country }] of moments.entries()) {
    state = { segment: segment ?? state.segment, country: country ?? state.country };
    if (moments[n + 1]?.at === at) continue;
    const last = versions.at(-1)!;
    if (isSame(last, state)) continue;
    last.valid_to = new Date(at);
    versions.push({ ...state, valid_from: last.valid_to, valid_to: null });
  }
  return versions;
}

/** The versions of customers as a load has written them, for its checks. */
export function readVersions(rows: readonly Row[]) {
  const byKey = Map.groupBy(rows, (row) => row.customer_key as string);
  const follows = (versions: readonly Row[]): boolean =>
    timeOf(versions[0]!.valid_from)! <= always.getTime() &&
    versions.every(({ valid_to }, n) => timeOf(valid_to) === timeOf(versions[n + 1]?.valid_from));
  return {
    /** Customers of whom two versions hold at once, or none. */
    broken: [...byKey].filter(([, versions]) => !follows(versions)).map(([key]) => key),
    /** Whether there is a version of an order's buyer as the order says. */
    has({ customer_key, confirmed_at, segment, country }: Row, isLastOfMoment: boolean): boolean {
      const at = timeOf(confirmed_at)!;
      const then = byKey
        .get(customer_key as string)
        ?.find(({ valid_from, valid_to }) => timeOf(valid_from)! <= at && (valid_to == null || at < timeOf(valid_to)!));
      if (then === undefined || !isLastOfMoment) return then !== undefined;
      return says(then, { segment: segmentOf(segment), country: (country ?? null) as string | null });
    },
  };
}

/** Whether a version is what a sale says, as far as it says it. */
const says = (version: Row, { segment, country }: State): boolean =>
  (segment ?? version.segment) === version.segment && (country ?? version.country) === (version.country ?? null);

/**
 * Tells the sales of later months, which this load does not read anew, of customers whose earlier sales have changed: a version that
 * such a sale began may have been left out, because it was what the customer was before.
 * @throws BrokenFile
 */
export async function addLaterSales(
  store: Store,
  months: Readonly<Record<string, DataFile>>,
  customers: ReturnType<typeof createCustomers>,
): Promise<void> {
  const from = customers.changedFrom();
  if (from === undefined) return;
  const first = new Date(from).toISOString().slice(0, 7);
  for (const [month, file] of Object.entries(months)) {
    if (month <= first) continue;
    for (const row of await readRows(store, file, saleColumns)) if (customers.needs(row)) customers.order(row);
    customers.endMonth();
  }
}

const saleColumns = ['order_id', 'customer_key', 'segment', 'country', 'confirmed_at'];

const timeOf = (at: unknown): number | undefined => (at == null ? undefined : (at as Date).getTime());
