/**
 * Requests a minute that one key counts. Steadily that is 200 writes a second, a fifth of what a partition takes, so that a
 * minute's requests may come within 12 s, and refusals be written beside them, before DynamoDB holds the key back.
 */
const perKeyUsually = 12_000;

/** More would make a refusal slow, as each key has to refuse once; so many take 64,000 writes a second. */
const mostKeys = 64;

/** One of the keys that count a subject's requests, and the share of its limit that this one lets through. */
export type Share = { key: string; limit: number };

/** The keys of a subject with this limit. Their shares add up to the limit. Counts of another limit have other keys. */
export function spread(subject: string, perMinute: number, perKey = perKeyUsually): Share[] {
  const keys = Math.min(mostKeys, Math.max(1, Math.ceil(perMinute / perKey)));
  const rest = perMinute % keys;
  return Array.from({ length: keys }, (_, i) => ({
    key: `${subject}@${perMinute}${keys === 1 ? '' : `#${i}`}`,
    limit: Math.floor(perMinute / keys) + (i < rest ? 1 : 0),
  }));
}
