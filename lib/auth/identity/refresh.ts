import { type IssuerKeyStore, readIssuerKeys, storeIssuerKeys } from './issuer-keys.dynamo.ts';
import type { PublicKeys } from './public-keys.ts';

export type RefreshDeps = {
  /** Undefined when no identity provider is configured. */
  issuer: string | undefined;
  store: IssuerKeyStore;
  fetchKeys: (issuer: string) => Promise<PublicKeys>;
  meter: { count(name: 'IssuerKeysAge', value: number): void };
};

/**
 * Copies an issuer's public keys to DynamoDB, for functions that cannot reach the internet. When fetching fails, the
 * stored keys stay. Measures the age of the stored keys each time, in seconds.
 * @throws IssuerUnusable, DependencyUnavailable
 */
export async function refreshIssuerKeys({ issuer, store, fetchKeys, meter }: RefreshDeps): Promise<{ keys: number }> {
  if (issuer === undefined) return { keys: 0 };
  try {
    const found = await fetchKeys(issuer);
    await storeIssuerKeys(store, issuer, found);
    meter.count('IssuerKeysAge', 0);
    return { keys: found.keys.length };
  } catch (error) {
    const before = await readIssuerKeys(store, issuer).catch(() => undefined);
    if (before !== undefined) {
      meter.count('IssuerKeysAge', Math.max(0, Math.round((store.clock.now() - before.fetchedAt) / 1000)));
    }
    throw error;
  }
}
