import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { Clock } from './clock.ts';
import { Faults } from './faults.ts';
import { html, Link, useAddress, useConnected } from './lib.ts';
import { Order } from './order.ts';
import { Orders } from './orders.ts';
import { Overview } from './overview.ts';
import { Parts } from './parts.ts';
import { OneRequest, Requests } from './requests.ts';

type Place = { query: URLSearchParams; id: string | undefined; rest: string | undefined };

/** One thing where the address names one, and their list otherwise. */
const either =
  (One: (props: { id: string }) => unknown, List: (props: { query: URLSearchParams }) => unknown) =>
  ({ id, query }: Place) =>
    id === undefined ? html`<${List} query=${query} />` : html`<${One} id=${id} />`;

const views = [
  { path: 'orders', title: 'Orders', show: either(Order, Orders) },
  { path: 'overview', title: 'Overview', show: Overview },
  { path: 'requests', title: 'Requests', show: either(OneRequest, Requests) },
  { path: 'parts', title: 'Parts', show: Parts },
] as const;

function App() {
  const { path, query } = useAddress();
  const [name = '', id, rest] = path.split('/');
  const view = views.find((each) => each.path === (name || 'orders'));
  const connected = useConnected();
  useKeys();
  useEffect(() => {
    document.title = `${id ?? view?.title ?? 'Not found'} · Counterfoil console`;
  }, [id, view]);
  return html`
    <header class="top">
      <${Link} to="/console" class="brand">Counterfoil <span>console</span></${Link}>
      <nav aria-label="Views">
        ${views.map(
          (each) =>
            html`<${Link} to=${`/console/${each.path}`} aria-current=${each === view ? 'page' : undefined} key=${each.path}>${each.title}</${Link}>`,
        )}
      </nav>
      <${Clock} />
      <${Faults} />
      <span class=${`live ${connected ? 'on' : 'off'}`} role="status">${connected ? 'live' : 'connecting'}</span>
    </header>
    <main id="main" tabindex="-1">
      ${
        view === undefined
          ? html`<h1>Not found</h1><p>The console has no such page. <${Link} to="/console">Orders</${Link}></p>`
          : html`<${view.show} query=${query} id=${id} rest=${rest} key=${view.path + (view.path === 'parts' ? '' : (id ?? ''))} />`
      }
    </main>`;
}

/** `/` goes to the search, j and k through the rows of a list, Escape back to the list. */
function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey) return;
      if (target.closest('input, select, textarea')) {
        if (event.key === 'Escape') target.blur();
        return;
      }
      const rows = [...document.querySelectorAll<HTMLElement>('[data-row] a[data-main]')];
      const at = rows.indexOf(document.activeElement as HTMLElement);
      if (event.key === '/') document.querySelector<HTMLElement>('input[type=search]')?.focus();
      else if (event.key === 'j') rows[Math.min(at + 1, rows.length - 1)]?.focus();
      else if (event.key === 'k') rows[Math.max(at - 1, 0)]?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

const root = document.getElementById('app')!;
root.replaceChildren();
render(html`<${App} />`, root);
