import type { Row } from './parquet.ts';

/** What the amounts of a cell of `sales_summary` are, in the order of its columns. */
const amounts = [
  'orders',
  'units',
  'gross',
  'discount',
  'shipping',
  'tax',
  'sales',
  'refunds',
  'returned_units',
  'net',
  'known_units',
  'known_net',
  'cost',
  'margin',
] as const;
type Amount = (typeof amounts)[number];
type Cell = Record<Amount, number> & { at: number; key: string | null; currency: string; lastOrder?: string };

const minuteMs = 60_000;
/** How long the stretches of a grain are, and how long after a full one of UTC they begin. */
const grains = {
  quarter: { ms: 15 * minuteMs, after: 0 },
  hour: { ms: 60 * minuteMs, after: 0 },
  'hour:15': { ms: 60 * minuteMs, after: 15 * minuteMs },
  'hour:30': { ms: 60 * minuteMs, after: 30 * minuteMs },
  'hour:45': { ms: 60 * minuteMs, after: 45 * minuteMs },
  day: { ms: 24 * 60 * minuteMs, after: 0 },
} as const;
export type Grain = keyof typeof grains | 'month';

/** The hours that the days of a zone are made of, by how many minutes past the hour they begin. */
export const hours: ReadonlyMap<number, Grain> = new Map([
  [0, 'hour'],
  [15, 'hour:15'],
  [30, 'hour:30'],
  [45, 'hour:45'],
]);

/** What is added up by what, at the finest grain of each, and coarser grains of the same. */
const groupings = {
  all: { finest: 'quarter', coarser: [...hours.values(), 'day'] },
  country: { finest: 'hour', coarser: ['day', 'month'] },
  application: { finest: 'hour', coarser: ['day', 'month'] },
  customerSegment: { finest: 'hour', coarser: ['day', 'month'] },
  product: { finest: 'day', coarser: ['month'] },
  category: { finest: 'day', coarser: ['month'] },
  brand: { finest: 'day', coarser: ['month'] },
} as const satisfies Record<string, { finest: Exclude<Grain, 'month'>; coarser: readonly Grain[] }>;
type SummaryGrouping = keyof typeof groupings;
const ofOrders = ['all', 'country', 'application', 'customerSegment'] as const;
const ofLines = ['product', 'category', 'brand'] as const;

const keyOf: Record<SummaryGrouping, (row: Row) => string | null> = {
  all: () => null,
  country: (row) => (row.country ?? null) as string | null,
  application: (row) => (row.application_id ?? null) as string | null,
  customerSegment: (row) => (row.segment ?? null) as string | null,
  product: (row) => row.product_id as string,
  category: (row) => (row.category_id ?? null) as string | null,
  brand: (row) => (row.brand ?? null) as string | null,
};

/** Adds up the facts of a month as they pass by. The lines of an order must follow each other. */
export function createSummary() {
  const cells: Record<SummaryGrouping, Map<string, Cell>> = {
    all: new Map(),
    country: new Map(),
    application: new Map(),
    customerSegment: new Map(),
    product: new Map(),
    category: new Map(),
    brand: new Map(),
  };
  const cellOf = (grouping: SummaryGrouping, moment: Date, row: Row): Cell => {
    const at = floorOf(moment.getTime(), groupings[grouping].finest);
    return cellIn(cells[grouping], at, keyOf[grouping](row), row.currency as string);
  };
  return {
    order(row: Row): void {
      for (const grouping of ofOrders) {
        const cell = cellOf(grouping, row.confirmed_at as Date, row);
        cell.orders += 1;
        cell.gross += Number(row.subtotal);
        cell.discount += Number(row.discount);
        cell.shipping += Number(row.shipping);
        cell.tax += Number(row.tax);
        cell.sales += Number(row.total);
      }
    },
    line(row: Row): void {
      for (const grouping of ofOrders) addLine(cellOf(grouping, row.confirmed_at as Date, row), row);
      for (const grouping of ofLines) {
        const cell = cellOf(grouping, row.confirmed_at as Date, row);
        addLine(cell, row);
        if (cell.lastOrder !== row.order_id) cell.orders += 1;
        cell.lastOrder = row.order_id as string;
        cell.gross += Number(row.gross);
        cell.discount += Number(row.discount);
        cell.tax += Number(row.tax);
        cell.sales += Number(row.net) + Number(row.tax);
      }
    },
    refund(row: Row): void {
      for (const grouping of ofOrders) cellOf(grouping, row.refunded_at as Date, row).refunds += Number(row.amount);
    },
    refundLine(row: Row): void {
      const cell = cellOf('product', row.refunded_at as Date, row);
      cell.refunds += Number(row.amount);
      cell.returned_units += Number(row.quantity);
    },
    /** The rows of `sales_summary`, and how many there are of each grain and grouping. */
    rows(): { rows: Row[]; groups: number[] } {
      const sections = Object.entries(groupings).flatMap(([grouping, { finest, coarser }]) => {
        const finestCells = [...cells[grouping as SummaryGrouping].values()];
        return [
          rowsOf(finest, grouping, finestCells),
          ...coarser.map((grain) => rowsOf(grain, grouping, rolledUp(finestCells, grain))),
        ];
      });
      const there = sections.filter(({ length }) => length > 0);
      return { rows: there.flat(), groups: there.map(({ length }) => length) };
    },
    /** The rows of `daily_sales_summary`. */
    days: (): Row[] => rolledUp([...cells.all.values()], 'day').map((cell) => ({ ...cell, date: new Date(cell.at) })),
  };
}

function cellIn(cells: Map<string, Cell>, at: number, key: string | null, currency: string): Cell {
  const id = `${at} ${currency} ${key === null ? '' : `=${key}`}`;
  let cell = cells.get(id);
  if (cell === undefined) {
    cell = { ...nothing, at, key, currency };
    cells.set(id, cell);
  }
  return cell;
}

const nothing = Object.fromEntries(amounts.map((name) => [name, 0])) as Record<Amount, number>;

function addLine(cell: Cell, row: Row): void {
  const [units, net] = [Number(row.quantity), Number(row.net)];
  cell.units += units;
  cell.net += net;
  if (row.cost == null) return;
  cell.known_units += units;
  cell.known_net += net;
  cell.cost += Number(row.cost);
  cell.margin += Number(row.margin);
}

function rolledUp(cells: readonly Cell[], grain: Grain): Cell[] {
  const sums = new Map<string, Cell>();
  for (const cell of cells) {
    const sum = cellIn(sums, floorOf(cell.at, grain), cell.key, cell.currency);
    for (const name of amounts) sum[name] += cell[name];
  }
  return [...sums.values()];
}

/** When the stretch of a grain began that a moment is in, and when the next begins. Milliseconds since the epoch, in UTC. */
export function floorOf(at: number, grain: Grain): number {
  if (grain !== 'month') {
    const { ms, after } = grains[grain];
    return Math.floor((at - after) / ms) * ms + after;
  }
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

export function nextOf(at: number, grain: Grain): number {
  if (grain !== 'month') return floorOf(at, grain) + grains[grain].ms;
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

const rowsOf = (grain: Grain, grouping: string, cells: Cell[]): Row[] =>
  cells.toSorted(byTime).map((cell) => ({ ...cell, grain, sold_by: grouping, starts_at: new Date(cell.at) }));

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const byTime = (a: Cell, b: Cell): number =>
  a.at - b.at || compare(a.currency, b.currency) || compare(a.key ?? '', b.key ?? '');
