import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../../../lib/kernel/clock.ts';
import { forThisMachine, listenOn, portOf } from '../loopback.ts';
import { compilePattern, type EventPattern } from './pattern.ts';
import { BusStore, type Parked } from './store.ts';

export type Rule = {
  name: string;
  pattern: EventPattern;
  /** Runs the target. An event whose run rejects is delivered again. */
  deliver: (event: unknown) => Promise<unknown>;
  /** At most so many runs at the same time. */
  atOnce: number;
};

export type Bus = {
  /** For the SDK's `endpoint` or AWS_ENDPOINT_URL_EVENTBRIDGE. */
  endpoint: string;
  /** What could not be delivered in five attempts. */
  parked(): Parked[];
  /** Delivers what is parked once more. @returns how many */
  redrive(): number;
  /** Resolves when nothing waits but for a later attempt. */
  idle(): Promise<void>;
  /** Closes within a second. What was not delivered is delivered after the next start. */
  stop(): Promise<void>;
};

type Options = {
  name: string;
  rules: readonly Rule[];
  /** SQLite file that keeps what is not delivered, or ':memory:'. */
  file: string;
  clock?: Clock;
  /** Where other machines of a closed network may call it, in place of this machine alone. It checks no credentials. */
  address?: { host: string; port: number };
  log?: (line: string) => void;
  /** Milliseconds before the second attempt; it doubles with each. */
  firstPauseMs?: number;
};

const mostAttempts = 5;
/** EventBridge takes as much in one call. */
const mostEntries = 10;
const largestCall = 256 * 1024;

/**
 * An event bus of Amazon EventBridge for this machine: `PutEvents` of `@aws-sdk/client-eventbridge`, AWS JSON 1.1, rules with
 * patterns, and targets that are functions. An event is on disk before the call is answered, and is delivered at least
 * once to the target of each rule that it matches. Like EventBridge's, deliveries have no order.
 * @throws PatternRefused when a rule uses what this stand-in does not know
 */
export async function startBus(options: Options): Promise<Bus> {
  const deliveries = new Deliveries(options);
  const { host, port } = options.address ?? { host: '127.0.0.1', port: 0 };
  const onlyHere = options.address === undefined ? forThisMachine : (listener: RequestListener) => listener;
  const server = createServer(onlyHere((request, response) => void answer(request, response, deliveries, options)));
  await listenOn(host, port, server);
  deliveries.start();
  return {
    endpoint: `http://127.0.0.1:${portOf(server)}`,
    parked: () => deliveries.store.parked(),
    redrive() {
      const count = deliveries.store.redrive(0);
      deliveries.start();
      return count;
    },
    idle: () => deliveries.idle(),
    async stop() {
      server.close();
      server.closeAllConnections();
      await deliveries.stop();
    },
  };
}

/** One that waits for room. */
type Waiting = { id: number; event: unknown; attempts: number };

type OpenRule = Rule & {
  matches: (event: unknown) => boolean;
  underWay: Set<number>;
  /** The next deliveries. The store has them too. */
  waiting: Waiting[];
  /** The store may have more that are due than these. */
  more: boolean;
};

/** More are left in the store, so that a slow target fills no memory. */
const mostWaiting = 1000;

/** What is on its way to the targets of rules. */
class Deliveries {
  readonly store: BusStore;
  readonly #rules: OpenRule[];
  readonly #options: Options;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #waiters: (() => void)[] = [];

  constructor(options: Options) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#rules = options.rules.map((rule) => ({
      ...rule,
      matches: compilePattern(rule.pattern),
      underWay: new Set(),
      waiting: [],
      more: true,
    }));
    this.store = new BusStore(options.file);
  }

  accept(events: readonly object[]): void {
    const due = this.#clock.now();
    const added = events.flatMap((event) => {
      const text = JSON.stringify(event);
      return this.#rules.filter((rule) => rule.matches(event)).map((rule) => ({ rule, event, text }));
    });
    if (added.length === 0) return;
    const ids = this.store.add(added.map(({ rule, text }) => ({ rule: rule.name, event: text, due })));
    for (const [n, { rule, event }] of added.entries()) {
      // Behind what is in the store already.
      if (rule.more || rule.waiting.length >= mostWaiting) rule.more = true;
      else rule.waiting.push({ id: ids[n]!, event, attempts: 0 });
    }
    for (const rule of new Set(added.map(({ rule }) => rule))) this.#startOf(rule);
  }

  /** Starts everything that is due, as far as there is room. */
  start(): void {
    if (this.#stopped) return;
    for (const rule of this.#rules) {
      rule.more = true;
      this.#startOf(rule);
    }
    this.#planNext();
    this.#tellIfIdle();
  }

  #startOf(rule: OpenRule): void {
    while (rule.underWay.size < rule.atOnce) {
      if (rule.waiting.length === 0) this.#refill(rule);
      const delivery = rule.waiting.shift();
      if (delivery === undefined) return;
      rule.underWay.add(delivery.id);
      void this.#deliver(rule, delivery);
    }
  }

  #refill(rule: OpenRule): void {
    if (!rule.more) return;
    const limit = rule.underWay.size + mostWaiting;
    const due = this.store.due(rule.name, this.#clock.now(), limit);
    rule.more = due.length === limit;
    rule.waiting = due
      .filter(({ id }) => !rule.underWay.has(id))
      .map(({ id, event, attempts }) => ({ id, event: JSON.parse(event), attempts }));
  }

  async #deliver(rule: OpenRule, { id, event, attempts }: Waiting): Promise<void> {
    const { firstPauseMs = 1000, log = () => {} } = this.#options;
    let error: unknown;
    const failed = await rule.deliver(event).then(
      () => false,
      (reason: unknown) => {
        error = reason;
        return true;
      },
    );
    rule.underWay.delete(id);
    if (this.#stopped) return;
    if (!failed) this.store.done(id);
    else if (attempts + 1 >= mostAttempts) {
      log(`the event bus gives up an event for ${rule.name} after ${mostAttempts} attempts: ${String(error)}`);
      this.store.park(id, String(error));
    } else {
      this.store.later(id, this.#clock.now() + firstPauseMs * 2 ** attempts);
      this.#planNext();
    }
    this.#startOf(rule);
    this.#tellIfIdle();
  }

  #planNext(): void {
    clearTimeout(this.#timer);
    const wait = (this.store.next() ?? Number.POSITIVE_INFINITY) - this.#clock.now();
    // At least once a second: another process may redrive what is parked, and the clock may be moved. What is due now waits
    // for a run to end, which starts it.
    this.#timer = setTimeout(() => this.start(), wait > 0 ? Math.min(1000, wait) : 1000);
    this.#timer.unref();
  }

  #tellIfIdle(): void {
    if (this.#waiters.length > 0 && this.#isIdle()) for (const resolve of this.#waiters.splice(0)) resolve();
  }

  #isIdle(): boolean {
    if (this.#rules.some(({ underWay }) => underWay.size > 0)) return false;
    const next = this.store.next();
    return next === undefined || next > this.#clock.now();
  }

  idle(): Promise<void> {
    return this.#isIdle() ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve));
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.store.close();
  }
}

type Entry = {
  EventBusName?: string;
  Source?: string;
  DetailType?: string;
  Detail?: string;
  Time?: number;
  Resources?: string[];
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  deliveries: Deliveries,
  { name, log = () => {} }: Options,
): Promise<void> {
  const send = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  const refuse = (type: string, message: string) => send(400, { __type: type, message });
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (request.headers['x-amz-target'] !== 'AWSEvents.PutEvents') {
      refuse('UnknownOperationException', `the local bus knows PutEvents alone`);
      return;
    }
    const { Entries: entries } = JSON.parse(body.toString()) as { Entries?: Entry[] };
    if (!Array.isArray(entries) || entries.length === 0 || entries.length > mostEntries) {
      refuse('ValidationException', `Entries must have 1 to ${mostEntries} elements`);
      return;
    }
    if (body.length > largestCall) {
      refuse('ValidationException', `Total size of the entries in the request is over the limit.`);
      return;
    }
    const read = entries.map((entry) => readEntry(entry, name));
    deliveries.accept(read.flatMap((each) => ('event' in each ? [each.event] : [])));
    const results = read.map((each) => ('event' in each ? { EventId: each.event.id } : each));
    send(200, { FailedEntryCount: results.filter((each) => 'ErrorCode' in each).length, Entries: results });
  } catch (error) {
    log(`the event bus failed: ${String(error)}`);
    send(500, { __type: 'InternalException', message: String(error) });
  }
}

type ReadEntry = { event: { id: string } & Record<string, unknown> } | { ErrorCode: string; ErrorMessage: string };

/** The event that targets get. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
function readEntry(
  { EventBusName, Source, DetailType, Detail, Time, Resources = [] }: Entry,
  busName: string,
): ReadEntry {
  const malformed = (message: string) => ({ ErrorCode: 'MalformedDetail', ErrorMessage: message });
  if (EventBusName !== busName)
    return { ErrorCode: 'ResourceNotFoundException', ErrorMessage: `no bus ${EventBusName}` };
  if (!Source || !DetailType)
    return { ErrorCode: 'InvalidArgument', ErrorMessage: 'Source and DetailType are required' };
  let detail: unknown;
  try {
    detail = JSON.parse(Detail ?? '');
  } catch {
    return malformed('Detail is malformed.');
  }
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return malformed('Detail is malformed.');
  const time = new Date(Time === undefined ? Date.now() : Time * 1000).toISOString();
  return {
    event: {
      version: '0',
      id: randomUUID(),
      'detail-type': DetailType,
      source: Source,
      account: '000000000000',
      time: time.replace(/\.\d+Z$/, 'Z'),
      region: 'eu-west-1',
      resources: Resources,
      detail,
    },
  };
}
