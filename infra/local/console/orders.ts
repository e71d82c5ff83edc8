import type { Database } from './database.sql.ts';
import { findOrders, type OrderRow, statusGroups } from './orders.sql.ts';
import type { StatesApi } from './states-api.ts';
import { type Attempt, visitsOf } from './story.ts';

export type OrderList = {
  orders: OrderSummary[];
  /** The id that the list goes on before; null at its end. */
  next: string | null;
};

export type OrderSummary = Omit<OrderRow, 'createdAt' | 'updatedAt' | 'steps' | 'error' | 'message'> & {
  createdAt: string;
  updatedAt: string;
  /** What is wrong or was, in one line, with the step where it is known. */
  trouble: { step: string | null; text: string } | null;
  /** The state that the saga is in now. */
  state: string | null;
};

type Deps = { database: Database; states: StatesApi; placing: string; compensating: string };

const pageSize = 50;
/** What moves on within this time has no trouble to tell of: under load those are most of the open orders. Milliseconds. */
const youngMs = 400;
/** Whose history is read for the list. There are few in real life, and a thousand in a load test. */
const mostRunning = 20;

/** A page of orders, newest first, with what is wrong with each. */
export async function listOrders(deps: Deps, query: URLSearchParams, now: number): Promise<OrderList> {
  const status = query.get('status') ?? 'all';
  const rows = await deps.database.read((sql) =>
    findOrders(sql, {
      statuses: status === 'all' ? undefined : (statusGroups[status as keyof typeof statusGroups] ?? [status]),
      text: query.get('text')?.trim() || undefined,
      before: query.get('before') ?? undefined,
      limit: pageSize + 1,
    }),
  );
  const page = rows.slice(0, pageSize);
  const old = page.filter(({ updatedAt }) => now - updatedAt.getTime() > youngMs);
  const running = await runningOf(deps, old);
  return {
    orders: page.map((row) => summaryOf(row, running.get(row.id))),
    next: rows.length > pageSize ? page.at(-1)!.id : null,
  };
}

type Running = { state: string; last: Attempt | undefined };

/** Where the sagas of open orders are. */
async function runningOf({ states, placing, compensating }: Deps, rows: readonly OrderRow[]) {
  const found = new Map<string, Running>();
  const open: readonly string[] = [...statusGroups.open, 'needs_attention'];
  const ids = new Set(rows.filter(({ status }) => open.includes(status)).map(({ id }) => id));
  if (ids.size === 0) return found;
  const lists = await Promise.all(
    [placing, compensating].map(async (machine) =>
      (await states.running(machine)).map(({ name }) => ({ name, machine })),
    ),
  );
  const executions = lists
    .flat()
    .map(({ name, machine }) => ({ orderId: name.slice(0, 36), arn: `${executionsOf(machine)}:${name}` }))
    .filter(({ orderId }) => ids.has(orderId))
    .slice(0, mostRunning);
  await Promise.all(
    executions.map(async ({ orderId, arn }) => {
      const visit = visitsOf(await states.history(arn)).at(-1);
      if (visit !== undefined)
        found.set(orderId, { state: visit.state, last: visit.attempts.findLast(({ error }) => error) });
    }),
  );
  return found;
}

/** The ARN of a machine's executions, without their names. */
export const executionsOf = (machine: string): string => machine.replace(':stateMachine:', ':execution:');

function summaryOf({ createdAt, updatedAt, steps, error, message, ...row }: OrderRow, running?: Running): OrderSummary {
  return {
    ...row,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    state: running?.state ?? null,
    trouble: troubleOf({ ...row, steps, error, message }, running),
  };
}

function troubleOf(
  { status, failureCode, failureDetail, steps, error, message }: Omit<OrderRow, 'createdAt' | 'updatedAt'>,
  running?: Running,
): OrderSummary['trouble'] {
  if (running?.last?.error) {
    return { step: running.state, text: [running.last.error, running.last.message].filter(Boolean).join(': ') };
  }
  if (error !== null) return { step: steps?.join(', ') || null, text: [error, message].filter(Boolean).join(': ') };
  if (failureCode === null || status === 'confirmed') return null;
  return { step: null, text: `${failureCode}: ${failureDetail}` };
}
