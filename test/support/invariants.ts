import { expect } from 'vitest';
import { allCharges, brokenInvariants } from './provider-transactions.ts';
import type { Saga } from './saga.ts';

/** The four invariants of the product, and that all books agree with the orders. */
export async function expectInvariants({ owner, dynamo }: Pick<Saga, 'owner' | 'dynamo'>): Promise<void> {
  expect(await brokenInvariants(owner, await allCharges(dynamo.documents))).toEqual([]);
}
