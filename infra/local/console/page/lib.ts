import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { currencyExponent } from '../../../../lib/kernel/money.ts';

/** A template of elements: `html\`<p>${text}</p>\``. What is put in is text, never HTML. */
export const html = (htm as unknown as { bind(create: typeof h): Template }).bind(h);
type Template = (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** The fewest milliseconds between two requests for what changes. */
const pauseMs = 400;

const listeners = new Set<() => void>();
let source: EventSource | undefined;
/** Whether the stream of changes is open. */
export let connected = false;
const connections = new Set<() => void>();

function openStream(): void {
  if (source !== undefined) return;
  source = new EventSource('/console/live');
  const set = (value: boolean) => () => {
    connected = value;
    for (const tell of connections) tell();
  };
  source.onopen = set(true);
  source.onerror = set(false);
  source.onmessage = () => {
    for (const listener of listeners) listener();
  };
}

/** Whether the page hears of changes. */
export function useConnected(): boolean {
  const [value, set] = useState(connected);
  useEffect(() => {
    const tell = () => set(connected);
    connections.add(tell);
    return () => void connections.delete(tell);
  }, []);
  return value;
}

export type Data<T> = { value: T | undefined; error: string | undefined; reload: () => void };

/**
 * What an address of the console answers, asked again whenever something has changed, and `every` so many milliseconds where
 * that says so.
 */
export function useData<T>(address: string, { live = true, every }: { live?: boolean; every?: number } = {}): Data<T> {
  const [state, setState] = useState<{ address: string; value?: T; error?: string }>({ address });
  const run = useRef(() => {});
  useEffect(() => {
    let [ended, asking, again, last] = [false, false, false, 0];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      if (ended) return;
      if (asking) {
        again = true;
        return;
      }
      const wait = last + (every ?? pauseMs) - performance.now();
      if (wait > 0) {
        timer ??= setTimeout(() => {
          timer = undefined;
          void ask();
        }, wait);
        return;
      }
      [asking, again, last] = [true, false, performance.now()];
      try {
        const value = await getJson<T>(address);
        if (!ended) setState({ address, value });
      } catch (error) {
        if (!ended) setState((before) => ({ ...before, address, error: (error as Error).message }));
      }
      asking = false;
      if (again) void ask();
    };
    const listener = () => void ask();
    run.current = () => {
      last = 0;
      void ask();
    };
    void ask();
    const repeating = every === undefined ? undefined : setInterval(listener, every);
    if (live) {
      openStream();
      listeners.add(listener);
    }
    return () => {
      ended = true;
      clearTimeout(timer);
      clearInterval(repeating);
      listeners.delete(listener);
    };
  }, [address, live, every]);
  const own = state.address === address;
  return { value: own ? state.value : undefined, error: own ? state.error : undefined, reload: () => run.current() };
}

/** @throws Error with what the console says is wrong */
export const getJson = <T>(address: string): Promise<T> => answerOf<T>(fetch(`/console/api/${address}`));

/** @throws Error with what the console says is wrong */
export const postJson = <T>(address: string, body: object = {}): Promise<T> =>
  answerOf<T>(
    fetch(`/console/api/${address}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );

async function answerOf<T>(asked: Promise<Response>): Promise<T> {
  const response = await asked.catch(() => {
    throw new Error('The stack does not answer.');
  });
  const text = await response.text();
  if (!(response.headers.get('content-type') ?? '').startsWith('application/json')) throw new Error(text.trim());
  const answer = JSON.parse(text) as T & { error?: string };
  if (!response.ok) throw new Error(answer.error ?? `answered ${response.status}`);
  return answer;
}

const moves = new Set<() => void>();

/** Goes to another address of the console without loading the page again. */
export function go(address: string, { replace = false } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  for (const move of moves) move();
  if (!replace) scrollTo(0, 0);
}

/** Where the page is: what follows `/console`, and its query. */
export function useAddress(): { path: string; query: URLSearchParams } {
  const [, again] = useState(0);
  useEffect(() => {
    const move = () => again((n) => n + 1);
    moves.add(move);
    addEventListener('popstate', move);
    return () => {
      moves.delete(move);
      removeEventListener('popstate', move);
    };
  }, []);
  return { path: location.pathname.replace(/^\/console\/?/, ''), query: new URLSearchParams(location.search) };
}

/** A link inside the console. */
export function Link({
  to,
  children,
  ...rest
}: {
  to: string;
  children?: ComponentChildren;
  [name: string]: unknown;
}): VNode {
  const click = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return html`<a href=${to} onClick=${click} ...${rest}>${children}</a>`;
}

/** An amount in minor units, as English readers print it: with all digits that the API counts. */
export function money(amount: number, currency: string): string {
  const digits = currencyExponent(currency);
  const exactly = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat('en', { style: 'currency', currency, ...exactly }).format(amount / 10 ** digits);
}

/** A time of day, with the day when it is not today by the stack's clock. */
export function timeOf(at: string | number): string {
  const date = new Date(at);
  return `${date.toISOString().slice(0, 10)} ${date.toISOString().slice(11, 19)}`;
}

export const clockTime = (at: string | number): string => new Date(at).toISOString().slice(11, 23);

export function durationOf(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
  if (milliseconds < 3_600_000)
    return `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
  return `${(milliseconds / 3_600_000).toFixed(1)} h`;
}

/** An id short enough for a table: its end, which differs most. */
export const short = (id: string): string => (id.length > 20 ? `${id.slice(0, 4)}…${id.slice(-8)}` : id);

const words: Record<string, string> = { needs_attention: 'manual review', pending_payment: 'waits for payment' };
export const Status = ({ of }: { of: string }): VNode => html`<span class=${`status ${of}`}>${words[of] ?? of}</span>`;

/** What stands in place of something that is not there (yet). */
export const Waiting = ({ data, none }: { data: Data<unknown>; none?: string }): VNode | null => {
  if (data.error !== undefined) return html`<p class="notice bad" role="alert">${data.error}</p>`;
  return data.value === undefined ? html`<p class="muted">${none ?? 'Reading…'}</p>` : null;
};
