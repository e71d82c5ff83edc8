import { createHash } from 'node:crypto';
import type { Clock } from '../../../lib/kernel/clock.ts';
import { type Answer, ApiError, invalid, type Store, type Write, within } from './dynalite.ts';

const prefix = 'request-token~';
const keptMs = 10 * 60 * 1000;

type Kept = { at: number; digest: string };

export type RequestTokens = {
  /**
   * Runs `work` unless a transaction with this token succeeded in the last 10 minutes. `work` stores the writes that it
   * gets together with its own. Throws `ApiError` IdempotentParameterMismatchException, TransactionInProgressException.
   */
  once(token: unknown, request: unknown, work: (writes: Write[]) => Promise<Answer>): Promise<Answer>;
  /** Deletes tokens older than 10 minutes. */
  sweep(): Promise<void>;
};

/** Keeps the ClientRequestToken of transactions in the store itself, so that it works across a restart. */
export function createRequestTokens({ db }: Store, clock: Clock): RequestTokens {
  const running = new Set<string>();

  return {
    async once(token, request, work) {
      if (token == null) return work([]);
      if (typeof token !== 'string' || token.length < 1 || token.length > 36)
        throw invalid('ClientRequestToken must have between 1 and 36 characters');
      if (running.has(token))
        throw new ApiError(
          'TransactionInProgressException',
          'The transaction with the given request token is already in progress.',
        );
      running.add(token);
      try {
        const key = prefix + token;
        const digest = createHash('sha256').update(JSON.stringify(request)).digest('base64');
        const kept = (await db.get(key)) as Kept | undefined;
        if (!kept || isOld(kept)) return await work([{ type: 'put', key, value: { at: clock.now(), digest } }]);
        if (kept.digest === digest) return {};
        throw new ApiError(
          'IdempotentParameterMismatchException',
          'The request uses the same client token as a previous, but non-identical request.',
        );
      } finally {
        running.delete(token);
      }
    },

    async sweep() {
      for await (const [key, kept] of db.iterator(within(prefix))) if (isOld(kept as Kept)) await db.del(key);
    },
  };

  function isOld({ at }: Kept): boolean {
    return clock.now() - at > keptMs;
  }
}
