import { HistoryBroken, type Warehouse, type WarehouseState } from '../analytics/history.ts';
import { DependencyUnavailable } from '../kernel/errors.ts';
import { config } from './config.ts';

/** Less than a handler may take. */
const usualMs = 8000;

/** The warehouse of this stage; null where there is none. */
export function warehouse(askMs = usualMs): Warehouse | null {
  const { WAREHOUSE_URL: url } = config();
  if (url === undefined) return null;
  return {
    newest: async () => (await ask<WarehouseState | null>(url, 'newest', {}, askMs)) ?? undefined,
    query: ({ number }, { text, parameters }) => ask(url, 'query', { number, text, parameters }, askMs),
  };
}

/** @throws HistoryBroken, DependencyUnavailable */
async function ask<T>(url: string, what: 'newest' | 'query', body: object, askMs: number): Promise<T> {
  const response = await fetch(`${url}/${what}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(askMs),
  }).catch((cause: unknown) => {
    throw new DependencyUnavailable('warehouse', { cause });
  });
  const answer = (await response.json()) as { result: T } | { broken: string } | { error: string };
  if ('result' in answer) return answer.result;
  if ('broken' in answer) throw new HistoryBroken(answer.broken);
  throw new DependencyUnavailable('warehouse', { cause: new Error(answer.error) });
}
