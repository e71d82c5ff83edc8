import { ApiProblem, type Line, type Order, type Product, type Quote } from '../client.ts';
import { formatMoney } from '../money.ts';
import { element, find, show } from './dom.ts';
import { type Customer, hasEnded, openShop, type Shop, type ShopConfig } from './shop.ts';

/** What `serve.ts` tells the page. The demo customer is known on a laptop only. */
type PageConfig = ShopConfig & { customer?: { email: string; password: string } };

const statusTexts: Record<Order['status'], string> = {
  pending: 'We have your order.',
  reserved: 'Your goods are reserved.',
  pending_payment: 'We are waiting for your bank.',
  confirmed: 'Your order is confirmed.',
  failed: 'Your order has failed.',
  cancelling: 'Your order is being cancelled.',
  cancelled: 'Your order is cancelled.',
  needs_attention: 'Our staff is looking into your order.',
};

let shop: Shop;
let products: Product[] = [];
let customer: Customer | undefined;
/** Units by the id of the product. */
const basket = new Map<string, number>();
let quote: Quote | undefined;
/** How often the basket or its owner changed: an answer to an earlier question is not shown. */
let changes = 0;
type BasketLine = { item: HTMLElement; units: HTMLInputElement; total: HTMLElement };
const basketLines = new Map<string, BasketLine>();
/** Of the basket as it is: another basket is another order. */
let idempotencyKey: string | undefined;

async function main(): Promise<void> {
  const { customer: demo, ...config } = (await (await fetch('/config.json')).json()) as PageConfig;
  shop = openShop(config);
  find('email', HTMLInputElement).value = demo?.email ?? '';
  find('password', HTMLInputElement).value = demo?.password ?? '';
  onSubmit('sign-in-form', signIn);
  onSubmit('checkout', placeOrder);
  find('payment-method', HTMLSelectElement).addEventListener('change', () => {
    idempotencyKey = undefined;
  });
  showAccount();
  showBasket();
  products = await shop.products();
  showProducts();
}

async function signIn(): Promise<void> {
  customer = await shop.signIn(find('email', HTMLInputElement).value, find('password', HTMLInputElement).value);
  showAccount();
  find('basket-heading', HTMLElement).focus();
  await changeBasket();
}

async function signOut(): Promise<void> {
  const leaving = customer;
  customer = undefined;
  showAccount();
  find('sign-in-heading', HTMLElement).focus();
  await leaving?.signOut();
  await changeBasket();
}

/** Asks for the price again: the visitor changed the basket, or signed in or out. */
async function changeBasket(): Promise<void> {
  idempotencyKey = undefined;
  quote = undefined;
  const change = ++changes;
  showBasket();
  if (basket.size === 0) return;
  const answer = await (customer ?? shop).quote(lines());
  if (change !== changes) return;
  quote = answer;
  showBasket();
}

const lines = (): Line[] => [...basket].map(([productId, quantity]) => ({ productId, quantity }));

async function placeOrder(): Promise<void> {
  if (customer === undefined) return;
  const buyer = customer;
  idempotencyKey ??= crypto.randomUUID();
  const paymentMethod = find('payment-method', HTMLSelectElement).value;
  let order = await buyer.placeOrder({ lines: lines(), paymentMethod, idempotencyKey });
  idempotencyKey = undefined;
  find('order', HTMLElement).hidden = false;
  find('order-heading', HTMLElement).focus();
  await showOrder(order, buyer);
  while (!hasEnded(order)) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    order = await buyer.order(order.id);
    await showOrder(order, buyer);
  }
  if (order.status !== 'confirmed') return;
  basket.clear();
  await changeBasket();
}

function showProducts(): void {
  const items = products.map(({ id, name, description, price }) => {
    const add = element('button', { type: 'button', ariaLabel: `Add ${name} to the basket` }, 'Add to basket');
    onClick(add, () => {
      basket.set(id, (basket.get(id) ?? 0) + 1);
      return changeBasket();
    });
    return element(
      'li',
      {},
      element('h3', {}, name),
      element('p', { className: 'quiet' }, description ?? ''),
      element('p', { className: 'price' }, formatMoney(price)),
      add,
    );
  });
  show('products', ...(items.length > 0 ? items : [element('li', {}, 'There is nothing to buy yet.')]));
}

function showBasket(): void {
  const units = [...basket.values()].reduce((sum, quantity) => sum + quantity, 0);
  show('basket-link', `Basket (${units})`);
  for (const [id, { item }] of basketLines) {
    if (basket.has(id)) continue;
    item.remove();
    basketLines.delete(id);
  }
  for (const [id, quantity] of basket) {
    const line = basketLines.get(id) ?? addBasketLine(id);
    if (line.units !== document.activeElement) line.units.value = String(quantity);
    const total = quote?.lines.find(({ productId }) => productId === id)?.total;
    line.total.textContent = total === undefined ? '' : formatMoney(total);
  }
  if (quote === undefined) show('total', basket.size === 0 ? 'The basket is empty.' : 'Asking for the price …');
  else show('total', totals(quote));
  find('checkout', HTMLElement).hidden = customer === undefined || quote === undefined;
  show('hint', customer === undefined && basket.size > 0 ? 'Sign in to order.' : '');
}

/** What is typed into a line is not overwritten by an answer: lines stay, and their figures change. */
function addBasketLine(id: string): BasketLine {
  const name = products.find((product) => product.id === id)?.name ?? id;
  const units = element('input', { type: 'number', min: '1', max: '999', required: true });
  units.addEventListener('change', () => {
    if (!units.reportValidity()) return;
    basket.set(id, units.valueAsNumber);
    report(changeBasket());
  });
  const remove = element('button', { type: 'button', className: 'plain', ariaLabel: `Remove ${name}` }, 'Remove');
  onClick(remove, () => {
    basket.delete(id);
    find('basket-heading', HTMLElement).focus();
    return changeBasket();
  });
  const total = element('span', { className: 'amount' });
  const item = element('li', {}, element('span', {}, name), total, element('label', {}, 'Units', units), remove);
  find('basket', HTMLElement).append(item);
  const line = { item, units, total };
  basketLines.set(id, line);
  return line;
}

function totals({ subtotal, discount, total }: Quote): HTMLElement {
  const row = (name: string, amount: string, className = '') => [
    element('dt', { className }, name),
    element('dd', { className: `amount ${className}` }, amount),
  ];
  return element(
    'dl',
    {},
    ...row('Subtotal', formatMoney(subtotal)),
    ...(discount === null ? [] : row('Discount', `−${formatMoney(discount)}`)),
    ...row('Total', formatMoney(total), 'sum'),
  );
}

function showAccount(): void {
  find('sign-in', HTMLElement).hidden = customer !== undefined;
  if (customer === undefined) {
    show('account', 'You are not signed in.');
    return;
  }
  const leave = element('button', { type: 'button', className: 'plain' }, 'Sign out');
  onClick(leave, signOut);
  show('account', element('span', {}, `Signed in as ${customer.email}`), leave);
}

async function showOrder(order: Order, buyer: Customer): Promise<void> {
  const { id, status, total, failure } = order;
  show(
    'order-state',
    element('p', { className: `status ${status}` }, statusTexts[status]),
    element('p', {}, failure === null ? `Total: ${formatMoney(total)}` : failure.detail),
    element('p', { className: 'quiet' }, element('code', {}, id)),
  );
  const entries = await buyer.timeline(id);
  const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
  show(
    'timeline',
    ...entries.map(({ at, type, detail }) => {
      const status = 'to' in detail ? `: ${detail.to.replaceAll('_', ' ')}` : '';
      return element('li', {}, `${time.format(new Date(at))} ${type.replaceAll('-', ' ')}${status}`);
    }),
  );
}

function onSubmit(formId: string, work: () => Promise<void>): void {
  const form = find(formId, HTMLFormElement);
  const button = form.querySelector('button')!;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    report(busyWhile(button, work));
  });
}

const onClick = (button: HTMLButtonElement, work: () => Promise<void>): void =>
  button.addEventListener('click', () => report(work()));

async function busyWhile(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
  }
}

/** Shows what went wrong, in words for the visitor and a number for whoever helps. */
function report(work: Promise<void>): void {
  show('problem', '');
  work.catch((error: unknown) => {
    if (!(error instanceof ApiProblem)) {
      console.error(error);
      show('problem', 'The shop cannot be reached. Try again in a moment.');
      return;
    }
    if (error.code === 'unauthenticated') {
      customer = undefined;
      showAccount();
      showBasket();
    }
    show('problem', `${error.message} `, element('code', {}, error.requestId ?? ''));
  });
}

report(main());
