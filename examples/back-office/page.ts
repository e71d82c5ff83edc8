import { ApiProblem } from '../client.ts';
import { element, find, show } from '../web-shop/dom.ts';
import { customersView, customerView } from './customers.ts';
import { reportTo, type Values } from './forms.ts';
import { type Office, openOffice } from './office.ts';
import { orderView } from './order.ts';
import { ordersView } from './orders.ts';
import type { View } from './parts.ts';
import { productsView, productView } from './products.ts';
import { reviewsView, reviewView } from './review.ts';

/** Made of the key, which is nowhere else: a reload signs out. */
let office: Office | undefined;
/** Counts the places that were asked for: what arrives for an earlier one is not shown. */
let asked = 0;

type Place = (office: Office, id: string, query: Values) => Promise<View>;

/** Every place by the first part of its address, without an id and with one. */
const places: Readonly<Record<string, { list: Place; one: Place }>> = {
  orders: { list: (o, _, query) => ordersView(o, query), one: (o, id) => orderView(o, id, go) },
  products: { list: (o, _, query) => productsView(o, query), one: (o, id) => productView(o, id, go) },
  customers: { list: (o, _, query) => customersView(o, query), one: (o, id) => customerView(o, id) },
  review: { list: (o, _, query) => reviewsView(o, query), one: (o, id) => reviewView(o, id, go) },
};

async function main(): Promise<void> {
  reportTo(report);
  const form = find('sign-in-form', HTMLFormElement);
  form.addEventListener('submit', (event) => {
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
  const opened = openOffice(location.origin, key);
  await opened.check();
  office = opened;
  find('sign-in-form', HTMLFormElement).reset();
  showFrame();
  if (places[partsOf().place] === undefined) history.replaceState(null, '', '#/orders');
  await go();
}

function signOut(): void {
  office = undefined;
  asked++;
  show('view');
  show('problem', '');
  showFrame();
  document.title = 'Back office';
  find('key', HTMLInputElement).focus();
}

function showFrame(): void {
  const signedIn = office !== undefined;
  find('sign-in', HTMLElement).hidden = signedIn;
  for (const id of ['nav', 'sign-out', 'view']) find(id, HTMLElement).hidden = !signedIn;
}

/** The place that the address names: `#/orders/ord_1?x=y`. */
function partsOf(): { place: string; id: string; query: Values } {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [place = '', id = ''] = path.split('/');
  return { place, id, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** Shows the place that the address names. */
async function go(): Promise<void> {
  if (office === undefined) return;
  const { place, id, query } = partsOf();
  const found = places[place];
  if (found === undefined) return;
  const turn = ++asked;
  const view = find('view', HTMLElement);
  view.ariaBusy = 'true';
  try {
    const { title, beside = [], content } = await (id === '' ? found.list : found.one)(office, id, query);
    if (turn !== asked) return;
    const heading = element('h1', { tabIndex: -1 }, title);
    show('view', element('div', { className: 'top' }, heading, ...beside), ...content);
    document.title = `${title} · Back office`;
    for (const link of find('nav', HTMLElement).querySelectorAll('a')) {
      if (link.hash === `#/${place}`) link.ariaCurrent = 'page';
      else link.ariaCurrent = null;
    }
    show('status', `${title} is shown.`);
    // Where a reader of the screen goes on.
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  } finally {
    if (turn === asked) view.ariaBusy = null;
  }
}

/** Shows what went wrong, in words for the staff and a number for whoever helps. */
function report(work: Promise<unknown>): void {
  show('problem', '');
  work.catch((error: unknown) => {
    if (error instanceof ApiProblem) {
      if (error.code === 'unauthenticated' && office !== undefined) signOut();
      show('problem', `${error.message} `, element('code', {}, error.requestId ?? ''));
    } else if (error instanceof TypeError) {
      console.error(error);
      show('problem', 'The API cannot be reached. Try again in a moment.');
    } else show('problem', error instanceof Error ? error.message : String(error));
    scrollTo(0, 0);
  });
}

report(main());
