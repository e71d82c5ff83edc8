import type { webhookResults } from '../../contract/deploy/metrics.ts';
import { withoutPersonalData } from '../../contract/events/domain-events.ts';
import type { Stopwatch } from '../../kernel/clock.ts';
import { type DeliveryItem, dueKey, type Queued } from './deliveries.dynamo.ts';
import { changeEndpoint, type EndpointItem, type WebhookStore } from './endpoints.dynamo.ts';
import { disableEndpoint } from './notices.ts';
import type { OutcomeWriter } from './outcomes.dynamo.ts';
import { failingForMs, nextDelay } from './retries.ts';
import type { Attempt, Send } from './send.gateway.ts';
import { signatures } from './sign.ts';

export type Outcome = (typeof webhookResults)[number];

export type AttemptDeps = {
  store: WebhookStore;
  send: Send;
  stopwatch: Stopwatch;
  random: () => number;
  onOutcome: (outcome: Outcome) => void;
  /** Called once the endpoint is disabled, to tell its owner. */
  onDisabled: (endpoint: EndpointItem, reason: 'gone' | 'failing') => Promise<void>;
};

/** What the attempts of one sender have in common. */
export type Run = AttemptDeps & {
  endpoint: EndpointItem;
  /** Whether its application may read the personal data in events. */
  personalData: boolean;
  writer: OutcomeWriter;
  /** Attempts in a row without an answer. */
  silent: number;
  attempts: number;
  /** Nothing more is to be sent: the endpoint is disabled, or left alone until `pausedUntil`. */
  over: boolean;
  pausedUntil?: number;
};

/** Attempts in a row without any answer after which an endpoint is left alone for a while. */
const silentInRow = 5;
const pauseMs = 60_000;

/**
 * Sends what is due, if its delivery still waits under this key, and writes what came of it.
 * @returns when the next attempt is due; null when there is none
 */
export async function attempt(
  run: Run,
  { queued, delivery }: { queued: Queued; delivery: DeliveryItem | undefined },
): Promise<number | null> {
  const { store, endpoint, send, writer } = run;
  if (delivery?.status !== 'pending' || dueKey(delivery) !== queued.key) {
    // A sender died between two writes: what the delivery says counts.
    await writer.repair(delivery, endpoint.endpointId, queued.key);
    return delivery?.status === 'pending' ? delivery.nextAttemptAt : null;
  }
  const at = store.clock.now();
  // It may have been written while the application could still read customers.
  const body = run.personalData ? delivery.body : JSON.stringify(withoutPersonalData(JSON.parse(delivery.body)));
  const result = await send(endpoint.url, headersOf(endpoint, { ...delivery, body }, at), body);
  run.attempts += 1;
  const after = afterAttempt(delivery, { ...result, at }, { now: store.clock.now(), random: run.random() });
  await writer.save(after, queued.key);
  run.onOutcome(after.status === 'succeeded' ? 'succeeded' : after.status === 'failed' ? 'given-up' : 'retried');
  await judgeEndpoint(run, { ...result, at });
  return after.nextAttemptAt;
}

function headersOf(endpoint: EndpointItem, { eventId, body, replay }: DeliveryItem, now: number) {
  const seconds = Math.floor(now / 1000);
  const secrets = endpoint.secrets.filter(({ until }) => until === null || until > now).map(({ secret }) => secret);
  return {
    ...endpoint.headers,
    'content-type': 'application/json',
    'user-agent': 'Counterfoil-Webhooks/1',
    'webhook-id': eventId,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures(secrets, { id: eventId, seconds, body }),
    ...(replay ? { 'webhook-replay': 'true' } : {}),
  };
}

type Made = Attempt & { at: number };

const isTaken = ({ status }: Attempt): boolean => status !== null && status >= 200 && status < 300;
const isGone = ({ status }: Attempt): boolean => status === 410;

function afterAttempt(
  delivery: DeliveryItem,
  last: Made,
  { now, random }: { now: number; random: number },
): DeliveryItem {
  const attempts = delivery.attempts + 1;
  const delay = isTaken(last) || isGone(last) ? undefined : nextDelay(attempts, random);
  const status = isTaken(last) ? 'succeeded' : delay === undefined ? 'failed' : 'pending';
  return { ...delivery, status, attempts, nextAttemptAt: delay === undefined ? null : now + delay, last };
}

/** Disables an endpoint, leaves it alone for a while, or notes since when it fails. */
async function judgeEndpoint(run: Run, made: Made): Promise<void> {
  const { store, endpoint } = run;
  run.silent = made.status === null ? run.silent + 1 : 0;
  if (isTaken(made)) {
    if (endpoint.failingSince !== undefined) {
      delete endpoint.failingSince;
      await changeEndpoint(store, endpoint, { failingSince: undefined });
    }
    return;
  }
  if (isGone(made)) return disable(run, 'gone');
  if (endpoint.failingSince === undefined) {
    endpoint.failingSince = made.at;
    await changeEndpoint(store, endpoint, { failingSince: made.at });
  } else if (made.at - endpoint.failingSince >= failingForMs) return disable(run, 'failing');
  if (run.silent >= silentInRow) {
    run.over = true;
    run.pausedUntil = store.clock.now() + pauseMs;
  }
}

async function disable(run: Run, reason: 'gone' | 'failing'): Promise<void> {
  if (run.over) return;
  run.over = true;
  const disabled = await disableEndpoint(run.store, run.endpoint, reason);
  if (disabled !== undefined) await run.onDisabled(disabled, reason);
}
