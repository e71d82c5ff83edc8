import { randomBytes } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type CircuitBreaker, createCircuitBreaker } from '../../kernel/circuit-breaker.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';

export type ConcurrencyOptions = {
  client: DynamoDBDocumentClient;
  table: string;
  clock: Clock;
  /** Longest wait for DynamoDB in milliseconds, however patient the client is; 1500 when absent. */
  patienceMs?: number;
  /** Of what asks DynamoDB who calls. While that rests nothing is asked here; what fails here does not stop it. */
  away?: CircuitBreaker;
};

/** How many requests of one subject may be worked on at the same time. */
export type ConcurrencyLimit = {
  /**
   * Takes one of `most` permits of the subject, up to a hundred, for a request. `id` is the request's own within this
   * process; one that is inside already is refused, so a client that chooses ids gains nothing. A permit whose request
   * never leaves is free again after `seconds`, up to an hour, so that has to be longer than the request can run.
   * `fallback` says that this process alone counted, because DynamoDB did not answer. Never rejects.
   */
  acquire(subject: string, most: number, id: string, seconds: number): Promise<Acquisition>;
  /** Gives the permit back. Never rejects; what DynamoDB did not hear of ends by itself. */
  release(subject: string, id: string): Promise<void>;
};

export type Acquisition = { acquired: boolean; fallback: boolean };

/** TTL of an item beyond its last change, longer than any permit is held: then nobody is in. */
const keptSeconds = 2 * 3600;

/**
 * Keeps the permits of a subject in one item: `holders` counts them, and each is an attribute that says until when, in
 * seconds since the epoch. Count and attributes change in one conditional UpdateItem, so they always agree.
 */
export function createConcurrencyLimit(options: ConcurrencyOptions): ConcurrencyLimit {
  const { clock, patienceMs = 1500, away } = options;
  const breaker = createCircuitBreaker(clock);
  const own = ownPlaces(clock);

  return {
    async acquire(subject, most, id, seconds) {
      // What this process alone holds fills the permits: the others can only hold more.
      const name = own.take(subject, most, id, seconds);
      if (name === undefined) return { acquired: false, fallback: breaker.isOpen() };
      if (away?.isResting() || !breaker.mayAsk()) return { acquired: true, fallback: true };
      try {
        const acquired = await acquirePermit(
          options,
          subject,
          { name, most, seconds },
          AbortSignal.timeout(patienceMs),
        );
        breaker.succeeded();
        if (!acquired) own.release(subject, id);
        return { acquired, fallback: false };
      } catch {
        breaker.failed();
        return { acquired: true, fallback: true };
      }
    },

    async release(subject, id) {
      const name = own.release(subject, id);
      if (name === undefined || away?.isResting() || !breaker.mayAsk()) return;
      try {
        await givePlaceBack(options, subject, name, AbortSignal.timeout(patienceMs));
        breaker.succeeded();
      } catch {
        breaker.failed();
      }
    },
  };
}

type Permit = { name: string; most: number; seconds: number };

/** Whether there was a permit. When all are taken, those that have run out are taken away first. */
async function acquirePermit(options: ConcurrencyOptions, subject: string, permit: Permit, abortSignal: AbortSignal) {
  let expired: string[] = [];
  for (;;) {
    const item = await tryToAcquire(options, subject, permit, expired, abortSignal);
    // A second try of the SDK finds what the first one did before its answer was lost.
    if (item === undefined || item[permit.name] !== undefined) return true;
    const now = toEpochSeconds(options.clock.now());
    expired = Object.entries(item)
      .filter(([name, until]) => name.startsWith(prefix) && numberOf(until) <= now)
      .map(([name]) => name)
      .slice(0, 100);
    // Otherwise others got in between, and there is room or something to take away.
    if (numberOf(item.holders) - expired.length >= permit.most) return false;
  }
}

/** Takes a permit and away what has expired, all or nothing; returns the item as it is when it could not. */
async function tryToAcquire(
  { client, table, clock }: ConcurrencyOptions,
  subject: string,
  { name, most, seconds }: Permit,
  expired: readonly string[],
  abortSignal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  const now = toEpochSeconds(clock.now());
  const aliases = expired.map((_, i) => `#e${i}`);
  const command = new UpdateCommand({
    TableName: table,
    Key: keyOf(subject),
    UpdateExpression: `SET #own = :until, holders = if_not_exists(holders, :zero) + :change, expiresAt = :end${
      aliases.length === 0 ? '' : ` REMOVE ${aliases.join(', ')}`
    }`,
    ConditionExpression: [
      'attribute_not_exists(#own) AND (attribute_not_exists(holders) OR holders < :below)',
      ...aliases.map((alias) => `attribute_exists(${alias})`),
    ].join(' AND '),
    ExpressionAttributeNames: {
      '#own': name,
      ...Object.fromEntries(expired.map((each, i) => [aliases[i]!, each])),
    },
    ExpressionAttributeValues: {
      ':until': now + seconds,
      ':zero': 0,
      ':change': 1 - expired.length,
      ':below': most + expired.length,
      ':end': now + keptSeconds,
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    await client.send(command, { abortSignal });
    return undefined;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return error.Item ?? {};
  }
}

/** Does nothing where there is no such permit (any more). */
async function givePlaceBack(
  { client, table }: ConcurrencyOptions,
  subject: string,
  name: string,
  abortSignal: AbortSignal,
): Promise<void> {
  const command = new UpdateCommand({
    TableName: table,
    Key: keyOf(subject),
    UpdateExpression: 'SET holders = holders - :one REMOVE #own',
    ConditionExpression: 'attribute_exists(#own)',
    ExpressionAttributeNames: { '#own': name },
    ExpressionAttributeValues: { ':one': 1 },
  });
  try {
    await client.send(command, { abortSignal });
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

/** What this process holds, by subject and id: under which name, and until when in milliseconds. */
function ownPlaces(clock: Clock) {
  const permits = new Map<string, Map<string, { name: string; until: number }>>();
  return {
    /** The name of the permit to take, or undefined when this process may take none. */
    take(subject: string, most: number, id: string, seconds: number): string | undefined {
      const now = clock.now();
      const held = permits.get(subject) ?? new Map();
      for (const [each, { until }] of held) if (until <= now) held.delete(each);
      if (held.size >= most || held.has(id)) return undefined;
      const name = `${prefix}${randomBytes(9).toString('base64url')}`;
      held.set(id, { name, until: now + seconds * 1000 });
      permits.set(subject, held);
      return name;
    },
    release(subject: string, id: string): string | undefined {
      const held = permits.get(subject);
      const permit = held?.get(id);
      held?.delete(id);
      if (held?.size === 0) permits.delete(subject);
      return permit?.name;
    },
  };
}

const prefix = 'permit:';
const keyOf = (subject: string) => ({ subject: `concurrent:${subject}` });

/** The document client leaves the item in an error as it came. */
const numberOf = (value: unknown): number =>
  Number(typeof value === 'object' && value !== null && 'N' in value ? value.N : value);
