import { ApiProblem } from '../client.ts';
import { element, find, show } from '../web-shop/dom.ts';
import { reportTo, type Values } from './forms.ts';
import { type Content, quiet, type View } from './parts.ts';

/** Shows a place of the page, as its address says: `#/orders/ord_1?x=y` has the id `ord_1` and the query `x`. `go` shows it anew. */
export type Place<A> = (api: A, id: string, query: Values, go: () => Promise<void>) => Promise<View>;

/** A page for staff: who signs in with a key sees its places. */
export type StaffPage<A> = {
  name: string;
  /** Makes what calls the API with a key. */
  open(baseUrl: string, key: string): A;
  /** Every place by the first part of its address, without an id and with one. The first is shown after the sign-in. */
  places: Readonly<Record<string, { list: Place<A>; one?: Place<A> }>>;
};

/** Starts a page: sign-in, and the place that the address names. */
export function startPage<A extends { check(): Promise<void> }>({ name, open, places }: StaffPage<A>): void {
  /** Made of the key, which is nowhere else: a reload signs out. */
  let opened: A | undefined;
  /** Counts the places that were asked for: what arrives for an earlier one is not shown. */
  let asked = 0;

  async function main(): Promise<void> {
    reportTo(report);
    find('sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      report(signIn(find('key', HTMLInputElement).value.trim()));
    });
    find('sign-out', HTMLButtonElement).addEventListener('click', signOut);
    addEventListener('hashchange', () => report(go()));
    const token = /^#demo=(.+)$/.exec(location.hash)?.[1];
    if (token === undefined) return;
    history.replaceState(null, '', location.pathname);
    // The address that `npm start` prints fills in the key of the demo shop. It is used as one that is typed.
    const answer = await fetch('/docs/laptop.json', { headers: { 'demo-token': token } });
    const { appKey } = (await answer.json()) as { appKey?: string };
    if (appKey !== undefined) find('key', HTMLInputElement).value = appKey;
  }

  async function signIn(key: string): Promise<void> {
    const made = open(location.origin, key);
    await made.check();
    opened = made;
    find('sign-in-form', HTMLFormElement).reset();
    showFrame();
    if (places[placeOf().place] === undefined) history.replaceState(null, '', `#/${Object.keys(places)[0]}`);
    await go();
  }

  function signOut(): void {
    opened = undefined;
    asked++;
    show('view');
    show('problem', '');
    showFrame();
    document.title = name;
    find('key', HTMLInputElement).focus();
  }

  function showFrame(): void {
    const signedIn = opened !== undefined;
    find('sign-in', HTMLElement).hidden = signedIn;
    for (const id of ['nav', 'sign-out', 'view']) find(id, HTMLElement).hidden = !signedIn;
  }

  /** Shows the place that the address names. */
  async function go(): Promise<void> {
    if (opened === undefined) return;
    const { place, id, query } = placeOf();
    const { list, one = list } = places[place] ?? {};
    if (list === undefined || one === undefined) return;
    const turn = ++asked;
    const view = find('view', HTMLElement);
    view.ariaBusy = 'true';
    if (view.firstChild === null) show('view', quiet('Loading…'));
    try {
      const { title, beside = [], content } = await (id === '' ? list : one)(opened, id, query, go);
      if (turn !== asked) return;
      showPlace(place, title, beside, content);
    } finally {
      if (turn === asked) view.ariaBusy = null;
    }
  }

  function showPlace(place: string, title: string, beside: Content[], content: Content[]): void {
    const heading = element('h1', { tabIndex: -1 }, title);
    show('view', element('div', { className: 'top' }, heading, ...beside), ...content);
    document.title = `${title} · ${name}`;
    for (const link of find('nav', HTMLElement).querySelectorAll('a')) {
      if (link.hash === `#/${place}`) link.ariaCurrent = 'page';
      else link.ariaCurrent = null;
    }
    show('status', `${title} is shown.`);
    // Where a reader of the screen goes on.
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  /** Shows what went wrong, in words for the staff and a number for whoever helps. */
  function report(work: Promise<unknown>): void {
    show('problem', '');
    work.catch((error: unknown) => {
      if (error instanceof ApiProblem && error.code === 'unauthenticated' && opened !== undefined) signOut();
      show('problem', ...explained(error));
      scrollTo(0, 0);
    });
  }

  report(main());
}

/** What went wrong, in words and a number for whoever helps. */
function explained(error: unknown): Content[] {
  if (error instanceof ApiProblem) return [`${error.message} `, element('code', {}, error.requestId ?? '')];
  if (!(error instanceof TypeError)) return [error instanceof Error ? error.message : String(error)];
  console.error(error);
  return ['The API cannot be reached. Try again in a moment.'];
}

/** The place that the address names: `#/orders/ord_1?x=y`. */
function placeOf(): { place: string; id: string; query: Values } {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [place = '', id = ''] = path.split('/');
  return { place, id, query: Object.fromEntries(new URLSearchParams(search)) };
}
