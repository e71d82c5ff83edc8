import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type SendOptions, send } from '../support/send.ts';
import type { Journal } from './journal.ts';
import type { Random } from './random.ts';

export type Ask = Omit<SendOptions, 'baseUrl' | 'signal'> & {
  actor: string;
  random: Random;
  /** Hangs up after so many milliseconds at the first try, as an impatient client. */
  hangUpAfter?: number;
};

export type Asker = ReturnType<typeof createAsker>;

/** When things were killed and not yet well again. While one is open, no answer and 503 are what a client can expect. */
export type Outages = { began(): () => void; overlap(from: number, to: number): boolean };

/** What takes a moment to be noticed after the health check is content again: hung connections, above all. */
const graceMs = 10_000;
/** The longest that a handler may take, and some more for a busy machine. */
const patienceMs = 45_000;
/** As long as a customer is locked out at most, and some more. */
const giveUpMs = 1_200_000;

export function outages(): Outages {
  const known: { from: number; to: number }[] = [];
  return {
    began() {
      const one = { from: Date.now(), to: Number.POSITIVE_INFINITY };
      known.push(one);
      return () => {
        one.to = Date.now();
      };
    },
    overlap: (from, to) => known.some((one) => one.from <= to && from <= one.to + graceMs),
  };
}

/** Whether the machine had too much else to do at some time in between: a refusal then says nothing of the product. */
export type Strain = (from: number, to: number) => boolean;

/** Watches for moments in which this process itself was kept waiting, or much more wanted to run than there are processors. */
export function watchStrain(): { strained: Strain; stop: () => void } {
  const every = 100;
  const known: { from: number; to: number }[] = [];
  let last = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - last - every > 300 || loadavg()[0]! > 2 * availableParallelism()) {
      const latest = known.at(-1);
      if (latest !== undefined && latest.to >= last) latest.to = now;
      else known.push({ from: last, to: now });
    }
    last = now;
  }, every);
  return {
    strained: (from, to) => known.some((one) => one.from <= to && from <= one.to) || Date.now() - last > 300,
    stop: () => clearInterval(timer),
  };
}

/**
 * Sends requests as a client does that wants an answer: the same request again while there is none, or one that says to
 * come back. Holds every refusal against what was killed at that time.
 */
export function createAsker(options: {
  baseUrl: string;
  clientId: string;
  journal: Journal;
  down: Outages;
  strained: Strain;
}) {
  const { baseUrl, clientId, journal, down, strained } = options;

  /** A refusal that is none of the product's fault when something was just killed, or the machine is too busy. */
  function excuse(actor: string, sentAt: number, what: string): void {
    const milliseconds = Date.now() - sentAt;
    if (down.overlap(sentAt, Date.now())) return;
    if (strained(sentAt, Date.now())) journal.count('refusal with nothing killed, on a machine too busy to answer');
    else journal.violation(actor, `${what} while nothing was killed (${milliseconds} ms)`);
  }

  /** One try. Undefined when the client is to try again. */
  async function once(method: string, path: string, options: Ask, hangUpAfter?: number): Promise<Answer | undefined> {
    const { actor } = options;
    const sentAt = Date.now();
    const signal = AbortSignal.timeout(hangUpAfter ?? patienceMs);
    let answer: Answer;
    try {
      answer = await send(method, path, { clientId, ...options, baseUrl, signal });
    } catch (error) {
      if (hangUpAfter !== undefined && signal.aborted) {
        journal.count('hung up on purpose');
        return undefined;
      }
      const why = signal.aborted ? 'no answer' : 'connection lost';
      journal.count(`refusal ${why}`);
      journal.note(actor, why, {
        method,
        path,
        error: String(error instanceof Error ? (error.cause ?? error) : error),
      });
      excuse(actor, sentAt, `${method} ${path}: ${why}`);
      return undefined;
    }
    if (answer.status === 503) {
      journal.count('refusal 503');
      journal.note(actor, '503', { method, path, text: answer.text });
      excuse(actor, sentAt, `${method} ${path}: 503 ${answer.text}`);
      return undefined;
    }
    if (answer.status >= 500) journal.violation(actor, `${method} ${path} gave ${answer.status}: ${answer.text}`);
    if (answer.status === 409 && answer.text.includes('request-in-flight')) {
      journal.count('refusal 409 in flight');
      return undefined;
    }
    // A try that was cut off between counting it and signing in counts as a wrong guess, and some such lock for a while.
    if (answer.status === 429 && answer.text.includes('sign-in-locked')) {
      journal.count('refusal 429 sign-in locked, after tries that were cut off');
      await sleep(1000 * Number(answer.headers.get('retry-after')));
      return undefined;
    }
    if (answer.status === 429) {
      journal.violation(actor, `${method} ${path} gave ${answer.status}: ${answer.text}`);
      return undefined;
    }
    return answer;
  }

  /** Asks until there is an answer. @throws Error when there is none for minutes */
  return async function ask(method: string, path: string, options: Ask): Promise<Answer> {
    const until = Date.now() + giveUpMs;
    let answer = await once(method, path, options, options.hangUpAfter);
    while (answer === undefined) {
      if (Date.now() > until) {
        journal.violation(options.actor, `${method} ${path} was not answered for ${giveUpMs / 1000} s`);
        throw new Error('no answer');
      }
      await sleep(100 + options.random.next() * 900);
      answer = await once(method, path, options);
    }
    return answer;
  };
}
