import type { Product } from '../../lib/contract/api/catalog.ts';
import type { Answer } from '../support/send.ts';
import type { Asker } from './ask.ts';
import type { Journal } from './journal.ts';
import { type Random, randomOf } from './random.ts';

/** What the shop must have been at each time, as far as those who changed it were told. */
export type SoldProduct = {
  id: string;
  /** Units taken in and out by the staff. */
  stocked: number;
  /** Each price with the time in which an order may have got it. */
  prices: { amount: number; from: number; until: number }[];
};

export type PlacedOrder = {
  id: string;
  customerId: string;
  paymentMethod: string;
  sentAt: number;
  answeredAt: number;
  /** A client was told that it would be cancelled. */
  cancelled: boolean;
};

/** A request under a key that was answered, so that the answer can be asked for again. */
export type Answered = {
  actor: string;
  method: string;
  path: string;
  key: string;
  body: object | undefined;
  wait: number | undefined;
  token: () => string;
  status: number;
  text: string;
};

export type World = {
  ask: Asker;
  journal: Journal;
  seed: number;
  appKey: string;
  products: SoldProduct[];
  orders: PlacedOrder[];
  answered: Answered[];
  /** Whether the load goes on. */
  goesOn: () => boolean;
  /** Sleeps, but not beyond the end of the load. */
  rest: (milliseconds: number) => Promise<void>;
};

/** Remembers an answer under a key, so that it can be asked for again at the end. */
export function remember(world: World, request: Omit<Answered, 'status' | 'text'>, { status, text }: Answer): void {
  world.answered.push({ ...request, status, text });
}

/** Some products of which there is enough, and some that are fought for. */
export async function openShop(world: World): Promise<void> {
  const random = randomOf(world.seed, 'opening');
  for (let i = 0; i < 12; i++) {
    const amount = random.between(300, 9000);
    const key = `soak-${world.seed}-product-${i}`;
    const body = { sku: `SOAK-${world.seed}-${i}`, name: `Thing ${i}`, price: { amount, currency: 'EUR' } };
    const answer = await world.ask('POST', '/products', { actor: 'staff', random, token: world.appKey, key, body });
    const { id } = answer.body as Product;
    world.products.push({ id, stocked: 0, prices: [{ amount, from: 0, until: Number.POSITIVE_INFINITY }] });
    await moveStock(world, random, world.products.at(-1)!, i < 8 ? 1_000_000 : 20);
  }
}

/** Restocks, takes stock out, changes prices and gives money back until the load ends. */
export async function runStaff(world: World): Promise<void> {
  const random = randomOf(world.seed, 'staff');
  while (world.goesOn()) {
    await world.rest(random.pause(2000));
    if (!world.goesOn()) return;
    const product = random.pick(world.products);
    switch (random.weighted({ restock: 6, 'take out': 1, 'change price': 3, 'give money back': 4 })) {
      case 'restock':
        await moveStock(world, random, random.pick(world.products.slice(8)), random.between(1, 30));
        break;
      case 'take out':
        await moveStock(world, random, random.pick(world.products.slice(8)), -random.between(1, 5));
        break;
      case 'change price':
        await changePrice(world, random, product, random.between(300, 9000));
        break;
      case 'give money back':
        await giveBack(world, random);
        break;
    }
  }
}

async function moveStock(world: World, random: Random, product: SoldProduct, quantity: number): Promise<void> {
  const key = `soak-stock-${random.next().toString(36).slice(2)}`;
  const path = `/products/${product.id}/stock-movements`;
  const body = { quantity, reason: 'soak' };
  const request = { actor: 'staff', method: 'POST', path, key, body, wait: undefined, token: () => world.appKey };
  const answer = await world.ask('POST', path, { ...request, token: world.appKey, wait: undefined as never, random });
  world.journal.note('staff', 'stock moved', { productId: product.id, quantity, status: answer.status });
  if (answer.status === 201) {
    product.stocked += quantity;
    remember(world, request, answer);
    world.journal.count('restocks');
  } else if (!(quantity < 0 && answer.status === 409)) {
    world.journal.violation('staff', `POST ${path} of ${quantity} gave ${answer.status}: ${answer.text}`);
  }
}

/** Part of what a late order was paid with, if it was paid, is not cancelled and has so much left. */
async function giveBack(world: World, random: Random): Promise<void> {
  if (world.orders.length === 0) return;
  const { id } = random.pick(world.orders.slice(-40));
  const key = `soak-refund-${random.next().toString(36).slice(2)}`;
  const path = `/orders/${id}/refunds`;
  const body = { amount: { amount: random.between(1, 500), currency: 'EUR' }, reason: 'soak' };
  const wait = random.chance(0.5) ? 10 : undefined;
  const request = { actor: 'staff', method: 'POST', path, key, body, wait, token: () => world.appKey };
  const { wait: _, ...plain } = request;
  const answer = await world.ask('POST', path, {
    ...plain,
    ...(wait === undefined ? {} : { wait }),
    token: world.appKey,
    random,
  });
  world.journal.note('staff', 'money given back', { orderId: id, ...body.amount, status: answer.status });
  if (answer.status === 201 || answer.status === 202) {
    remember(world, request, answer);
    world.journal.count('refunds in part');
  } else if (answer.status !== 409) {
    world.journal.violation('staff', `POST ${path} gave ${answer.status}: ${answer.text}`);
  }
}

/** A change has no key: what became of a lost one is read from the product, under whose version it was made. */
async function changePrice(world: World, random: Random, product: SoldProduct, amount: number): Promise<void> {
  const path = `/products/${product.id}`;
  const common = { actor: 'staff', random, token: world.appKey };
  const before = product.prices.at(-1)!;
  const next = { amount, from: Date.now(), until: Number.POSITIVE_INFINITY };
  product.prices.push(next);
  const { headers } = await world.ask('GET', path, common);
  const answer = await world.ask('PATCH', path, {
    ...common,
    body: { price: { amount, currency: 'EUR' } },
    headers: { 'if-match': headers.get('etag') ?? '' },
  });
  // Nobody else changes products: a version that has gone stale was made so by a first try whose answer was lost.
  if (answer.status !== 200 && answer.status !== 412)
    world.journal.violation('staff', `PATCH ${path} gave ${answer.status}: ${answer.text}`);
  const now = (await world.ask('GET', path, common)).body as Product;
  if (now.price.amount !== amount)
    world.journal.violation('staff', `the price of ${product.id} is ${now.price.amount} after it was set to ${amount}`);
  before.until = Date.now();
  world.journal.note('staff', 'price changed', { productId: product.id, amount });
  world.journal.count('price changes');
}

/** Whether an answer shows the order of an earlier answer as it was later. */
export function isLater(before: string, after: string): boolean {
  const [one, other] = [before, after].map((text) => JSON.parse(text) as { id: string; updatedAt: string });
  return one?.id === other?.id && one!.updatedAt < other!.updatedAt;
}
