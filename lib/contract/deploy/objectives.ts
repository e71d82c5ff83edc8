import type { OperationId } from '../api/operations.ts';

/** The share of requests that must be answered, and in time. */
export const objectiveShare = 0.999;

/** The error budget: the share of requests that may miss an objective. */
export const budgetShare = Math.round((1 - objectiveShare) * 1e6) / 1e6;

/** Fewer misses are no reason to wake anybody or to hold a release back, however few requests there were. */
export const leastMisses = 10;

type Objective = { operations: readonly OperationId[]; withinMs: number };

/**
 * What clients can rely on. An order counts with the time that it waits for its saga (`Prefer: wait`). At most four operations:
 * an alarm combines ten metrics.
 */
export const objectives = {
  orders: { operations: ['place-order'], withinMs: 5000 },
  reads: { operations: ['get-order', 'list-orders', 'get-product', 'list-products'], withinMs: 1000 },
} as const satisfies Record<string, Objective>;

export type ObjectiveName = keyof typeof objectives;

/** Values of the `objective` dimension: what was missed. */
export const objectiveMisses = [
  'orders-availability',
  'orders-latency',
  'reads-availability',
  'reads-latency',
] as const;
export type ObjectiveMiss = (typeof objectiveMisses)[number];

const objectiveOf = new Map<string, ObjectiveName>(
  Object.entries(objectives).flatMap(([name, { operations }]) =>
    operations.map((operation) => [operation, name as ObjectiveName] as const),
  ),
);

/**
 * What a request misses: it was not answered, or answered late; undefined when neither, or when no objective has its operation. A
 * request that is refused for its caller's fault is answered.
 */
export function missedObjective(operation: string, status: number, milliseconds: number): ObjectiveMiss | undefined {
  const name = objectiveOf.get(operation);
  if (name === undefined) return undefined;
  if (status >= 500) return `${name}-availability`;
  return milliseconds > objectives[name].withinMs ? `${name}-latency` : undefined;
}
