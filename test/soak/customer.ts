import type { Order } from '../../lib/contract/api/orders.ts';
import type { Answer } from '../support/send.ts';
import type { Ask } from './ask.ts';
import { randomOf } from './random.ts';
import { isLater, type PlacedOrder, remember, type World } from './shop.ts';

export type Customer = { name: string; id: string; token: string };

/** How often each is used. Orders by the last one end in manual review, by design. */
const paymentMethods = {
  pm_card_visa: 700,
  pm_timeoutOnce: 120,
  pm_card_chargeDeclined: 90,
  pm_card_insufficientFunds: 80,
  pm_requiresAction: 90,
  pm_timeoutAlways: 3,
} as const;

const ended = ['confirmed', 'failed', 'cancelled', 'needs_attention'];

/** Signs a customer up, who then orders, repeats, pays, cancels, looks and signs out and in until the load ends. */
export async function createCustomer(world: World, number: number, pauseMs: number) {
  const name = `customer ${number}`;
  const random = randomOf(world.seed, name);
  const person = { email: `soak-${world.seed}-${number}@example.com`, password: `soak ${world.seed} ${number}` };
  const open = { actor: name, random };
  const body = { ...person, name: 'Grace Hopper' };
  await world.ask('POST', '/customers', { ...open, key: `soak-${world.seed}-${name}`.replaceAll(' ', '-'), body });
  const me: Customer = { name, id: '', token: '' };
  const mine: PlacedOrder[] = [];
  await signIn();

  return { ...me, token: () => me.token, signIn, run };

  async function run(): Promise<void> {
    await world.rest(random.next() * pauseMs);
    while (world.goesOn()) {
      switch (random.weighted({ place: 700, cancel: 170, look: 100, 'sign out': 15, 'sign out everywhere': 5 })) {
        case 'place':
          await place();
          break;
        case 'cancel':
          await cancelOne();
          break;
        case 'look':
          await look();
          break;
        case 'sign out':
          await signOut('/sessions/current');
          break;
        case 'sign out everywhere':
          await signOut('/sessions');
          break;
      }
      await world.rest(random.pause(pauseMs));
    }
  }

  async function ask(method: string, path: string, options: Partial<Ask> = {}): Promise<Answer> {
    const answer = await world.ask(method, path, { ...open, token: me.token, ...options });
    if (answer.status === 401) world.journal.violation(name, `${method} ${path} gave 401 though the session goes on`);
    return answer;
  }

  async function place(): Promise<void> {
    const lines = Array.from({ length: random.between(1, 3) }, () => ({
      productId: random.pick(world.products).id,
      quantity: random.between(1, 3),
    }));
    const paymentMethod = random.weighted(paymentMethods);
    const wait = random.chance(0.4) ? random.pick([1, 5, 20]) : undefined;
    const way = random.weighted({ plainly: 70, 'and again': 15, 'twice at once': 8, impatiently: 7 });
    const cancelAt = random.chance(0.08) ? random.next() * 150 : undefined;
    const key = `soak-order-${number}-${mine.length}-${random.next().toString(36).slice(2)}`;
    const body = { lines, paymentMethod };
    world.journal.note(name, 'places', { key, lines, paymentMethod, wait, way });
    const sentAt = Date.now();
    const send = (options: Partial<Ask> = {}) =>
      ask('POST', '/orders', { key, body, ...(wait === undefined ? {} : { wait }), ...options });

    const [answer, ...others] = await Promise.all([
      send(way === 'impatiently' ? { hangUpAfter: Math.ceil(random.next() * 400) } : {}),
      ...(way === 'twice at once' ? [send()] : []),
    ]);
    if (answer.status !== 201 && answer.status !== 202) {
      world.journal.violation(name, `POST /orders gave ${answer.status}: ${answer.text}`);
      return;
    }
    const request = { actor: name, method: 'POST', path: '/orders', key, body, wait, token: () => me.token };
    remember(world, request, answer);
    const { id } = answer.body as Order;
    const order = { id, customerId: me.id, paymentMethod, sentAt, answeredAt: Date.now(), cancelled: false };
    mine.push(order);
    world.orders.push(order);
    world.journal.count(`order placed ${way}`);
    world.journal.note(name, 'placed', { key, orderId: id, status: answer.status });
    if (way === 'and again') others.push(await send());
    for (const other of others) {
      const same = other.text === answer.text && other.status === answer.status;
      // Of two that waited, the one that gave up first shows the order as it was earlier.
      const waited = wait !== undefined && (isLater(answer.text, other.text) || isLater(other.text, answer.text));
      if (!same && !waited)
        world.journal.violation(
          name,
          `key ${key} got ${answer.status} ${answer.text} and ${other.status} ${other.text}`,
        );
    }
    if (cancelAt !== undefined) {
      await world.rest(cancelAt);
      await cancel(order);
    } else if (paymentMethod === 'pm_requiresAction' && random.chance(0.85)) await act(order);
  }

  /** Does what the card's bank asks for once the order waits for it. Who does nothing lets the order expire. */
  async function act({ id }: PlacedOrder): Promise<void> {
    for (const giveUp = Date.now() + 30_000; Date.now() < giveUp && world.goesOn(); await world.rest(200)) {
      const { status } = (await ask('GET', `/orders/${id}`)).body as Order;
      if (ended.includes(status)) return;
      if (status !== 'pending_payment') continue;
      const outcome = random.chance(0.75) ? 'complete' : 'fail';
      const answer = await ask('POST', `/simulated-payments/${id}`, { body: { outcome } });
      world.journal.note(name, 'acts', { orderId: id, outcome, status: answer.status });
      // 409 when the order expired meanwhile.
      if (answer.status === 200) world.journal.count(outcome === 'complete' ? 'payments completed' : 'payments failed');
      else if (answer.status !== 409)
        world.journal.violation(name, `POST /simulated-payments/${id} gave ${answer.status}: ${answer.text}`);
      return;
    }
  }

  async function cancelOne(): Promise<void> {
    if (mine.length === 0) return;
    await cancel(random.chance(0.7) ? mine.at(-1)! : random.pick(mine));
  }

  async function cancel(order: PlacedOrder): Promise<void> {
    const key = `soak-cancel-${number}-${random.next().toString(36).slice(2)}`;
    const path = `/orders/${order.id}/cancel`;
    const wait = random.chance(0.3) ? 5 : undefined;
    const answer = await ask('POST', path, { key, ...(wait === undefined ? {} : { wait }) });
    world.journal.note(name, 'cancels', { orderId: order.id, key, status: answer.status });
    if (answer.status === 200 || answer.status === 202) {
      order.cancelled = true;
      remember(world, { actor: name, method: 'POST', path, key, body: undefined, wait, token: () => me.token }, answer);
      world.journal.count('cancellation accepted');
    } else if (answer.status === 409) world.journal.count('cancellation refused');
    else world.journal.violation(name, `POST ${path} gave ${answer.status}: ${answer.text}`);
  }

  async function look(): Promise<void> {
    const path = mine.length === 0 ? '/orders' : `/orders/${random.pick(mine).id}`;
    const answer = await ask('GET', path);
    if (answer.status !== 200) world.journal.violation(name, `GET ${path} gave ${answer.status}: ${answer.text}`);
  }

  /** A session that ended lets nobody in, and its customer's keys go on under the next one. */
  async function signOut(path: string): Promise<void> {
    const { token } = me;
    const out = await world.ask('DELETE', path, { ...open, token });
    if (out.status !== 204 && out.status !== 401)
      world.journal.violation(name, `DELETE ${path} gave ${out.status}: ${out.text}`);
    const after = await world.ask('GET', '/orders', { ...open, token });
    if (after.status !== 401) world.journal.violation(name, `a session that was ended gave ${after.status}`);
    await signIn();
    world.journal.count('sessions ended');
    world.journal.note(name, 'signed out and in', { path });
  }

  async function signIn(): Promise<void> {
    const answer = await world.ask('POST', '/sessions', { ...open, body: person });
    if (answer.status !== 201) throw new Error(`${name} cannot sign in: ${answer.status} ${answer.text}`);
    const session = answer.body as { token: string; customerId: string };
    me.token = session.token;
    me.id = session.customerId;
  }
}
