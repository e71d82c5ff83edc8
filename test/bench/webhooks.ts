import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { eventSource, type StoredEvent } from '../../lib/contract/events/define-event.ts';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { type Behaviour, type Receiver, startReceiver } from './events.ts';
import { median, quantile, sum } from './numbers.ts';
import { openShop, type Shop } from './shop.ts';

/** How long events took to endpoints that take them, alone and beside others that do not. */
export type WebhookFigures = { alone: Side; beside: Side; ratio: number };
/** `p50Ms` and `p99Ms` are the medians of those of the rounds: a machine that pauses for a second spoils one round. */
type Side = { events: number; deliveries: number; p50Ms: number; p99Ms: number; missing: number };

export type WebhookOptions = {
  /** Of each side. The sides take turns. */
  rounds: number;
  eventsInRound: number;
  eventsPerSecond: number;
  say: (line: string) => void;
};

type Endpoint = { id: string; type: string; behaviour: Behaviour; receiver: Receiver; key: string };

/** Of ten types, each is asked for by four endpoints that take it and one that hangs or answers 500: fifty endpoints. */
const takersOfType = 4;
const types = domainEvents.slice(0, 10);
const behaviourOf = (type: number): Behaviour => (type < 5 ? 'hangs' : 'fails');
/** An application has twenty endpoints at most. */
const applications = 3;

/** Webhooks to forty endpoints, in turns with and without ten that take nothing. */
export async function measureWebhooks({ say, ...load }: WebhookOptions): Promise<WebhookFigures> {
  await using opened = new AsyncDisposableStack();
  const shop = await openShop({ products: 0, customers: 0 });
  opened.defer(shop.close);
  const bus = new EventBridgeClient({
    endpoint: shop.stack.inside.bus.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  });
  opened.defer(async () => bus.destroy());
  const endpoints = await openEndpoints(shop, opened);
  const takers = endpoints.filter(({ behaviour }) => behaviour === 'takes');
  const others = endpoints.filter(({ behaviour }) => behaviour !== 'takes');
  await playRound(bus, takers, { ...load, eventsInRound: 50 }); // Warms up.
  const played = { alone: [] as Played[], beside: [] as Played[] };
  for (let round = 0; round < load.rounds; round++) {
    // Which side begins changes, so that neither has the older shop.
    for (const side of round % 2 === 0 ? (['alone', 'beside'] as const) : (['beside', 'alone'] as const)) {
      for (const endpoint of others) await change(shop, endpoint, side === 'beside' ? 'active' : 'disabled');
      if (side === 'alone') await shop.stack.inside.bus.idle();
      await sleep(1100); // Then a change of endpoints holds.
      const ended = await playRound(bus, takers, load);
      played[side].push(ended);
      const p99 = quantile(ended.lags, 0.99).toFixed(0);
      say(`${side}, round ${round + 1}: p99 ${p99} ms, ${ended.lags.length} arrived, ${ended.missing} missing`);
    }
  }
  const figures = (rounds: readonly Played[]): Side => ({
    events: load.rounds * load.eventsInRound,
    deliveries: sum(rounds.map(({ lags }) => lags.length)),
    p50Ms: median(rounds.map(({ lags }) => quantile(lags, 0.5))),
    p99Ms: median(rounds.map(({ lags }) => quantile(lags, 0.99))),
    missing: sum(rounds.map(({ missing }) => missing)),
  });
  const [alone, beside] = [figures(played.alone), figures(played.beside)];
  return { alone, beside, ratio: beside.p99Ms / alone.p99Ms };
}

async function openEndpoints(shop: Shop, opened: AsyncDisposableStack): Promise<Endpoint[]> {
  const keys = await Promise.all(
    Array.from({ length: applications }, () => shop.newKey('webhooks:manage', 'events:read')),
  );
  const endpoints: Endpoint[] = [];
  for (const [n, { type }] of types.entries()) {
    const behaviours = [behaviourOf(n), ...Array.from({ length: takersOfType }, () => 'takes' as const)];
    for (const behaviour of behaviours) {
      const receiver = await startReceiver(behaviour);
      opened.defer(receiver.stop);
      const key = keys[endpoints.length % applications]!;
      const { id } = await call<{ id: string }>(shop, key, 'POST', '', { url: receiver.url, events: [type] });
      endpoints.push({ id, type, behaviour, receiver, key });
    }
  }
  await sleep(1100); // From then on they get events.
  return endpoints;
}

const change = (shop: Shop, { id, key }: Endpoint, status: 'active' | 'disabled') =>
  call(shop, key, 'PATCH', `/${id}`, { status });

async function call<T>({ stack }: Shop, key: string, method: string, path: string, body: object): Promise<T> {
  const send = () =>
    fetch(`${stack.baseUrl}/webhook-endpoints${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  let response = await send();
  // A busy machine refuses a request now and then; a change may be asked for twice.
  for (let again = 0; method === 'PATCH' && response.status === 503 && again < 5; again++) {
    await sleep(1000);
    response = await send();
  }
  if (!response.ok)
    throw new Error(`${method} /webhook-endpoints${path} gave ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

type Played = { lags: number[]; missing: number };

/** Puts events of all types in turn on the bus at a steady rate, and waits until they have arrived. */
async function playRound(
  bus: EventBridgeClient,
  takers: readonly Endpoint[],
  { eventsInRound, eventsPerSecond }: Pick<WebhookOptions, 'eventsInRound' | 'eventsPerSecond'>,
): Promise<Played> {
  for (const { receiver } of takers) receiver.lags.clear();
  const startedAt = performance.now();
  const puts: Promise<unknown>[] = [];
  for (let n = 0; n < eventsInRound; n++) {
    await sleep(Math.max(0, startedAt + (n * 1000) / eventsPerSecond - performance.now()));
    puts.push(bus.send(new PutEventsCommand({ Entries: [entryOf(n)] })));
  }
  await Promise.all(puts);
  const wanted = eventsInRound * takersOfType;
  const arrived = () => sum(takers.map(({ receiver }) => receiver.lags.size));
  for (const until = Date.now() + 60_000; arrived() < wanted && Date.now() < until; ) await sleep(50);
  const lags = takers.flatMap(({ receiver }) => [...receiver.lags.values()]);
  return { lags, missing: wanted - lags.length };
}

function entryOf(n: number) {
  const { type, version, example } = types[n % types.length]!;
  const aggregateId = newId('order', systemClock);
  const event: StoredEvent = {
    id: newId('event', systemClock),
    type,
    version,
    subject: aggregateId,
    aggregateId,
    sequence: 1,
    occurredAt: new Date().toISOString(),
    correlationId: null,
    causationId: null,
    data: example,
  };
  return { EventBusName: 'counterfoil', Source: eventSource, DetailType: type, Detail: JSON.stringify(event) };
}
