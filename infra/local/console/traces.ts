import type { Trace } from '../functions/trace.ts';

/** A trace that can be asked for again. */
export type KeptTrace = Trace & { id: number };

const mostTraces = 2000;

/** The newest runs of functions, since somebody opened the console. */
export function keepTraces() {
  const traces: KeptTrace[] = [];
  let last = 0;
  return {
    add(trace: Trace): void {
      traces.push({ ...trace, id: ++last });
      if (traces.length > 1.1 * mostTraces) traces.splice(0, traces.length - mostTraces);
    },
    /**
     * The run that answered a request, and the steps of the sagas of these orders from then on, until another request of
     * `others` began: requests that changed the same orders.
     */
    of(requestId: string, orderIds: readonly string[], others: readonly string[]): KeptTrace[] {
      const own = traces.find((trace) => trace.requestId === requestId);
      if (own === undefined) return [];
      const later = traces.filter(({ requestId: other, at }) => others.includes(other ?? '') && at > own.at);
      const until = Math.min(...later.map(({ at }) => at));
      const steps = traces.filter(
        ({ orderId, at }) => orderId !== null && orderIds.includes(orderId) && at >= own.at && at < until,
      );
      return [own, ...steps].toSorted((one, other) => one.at - other.at);
    },
    find: (id: number): KeptTrace | undefined => traces.find((trace) => trace.id === id),
  };
}
