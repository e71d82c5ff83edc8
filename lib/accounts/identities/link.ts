import type { Sql } from 'postgres';
import { deleteCopy, type IdentityCopies, putCopy } from '../../auth/identity/identity-copies.dynamo.ts';
import type { VerifiedToken } from '../../auth/identity/verify.ts';
import type { Identity } from '../../contract/api/identities.ts';
import { Problem } from '../../contract/api/problems.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { unmatchableHash } from '../customers/passwords.ts';
import * as identities from './identities.sql.ts';

export type LinkDeps = { sql: () => Sql; copies: IdentityCopies; clock: Clock };

type Token = Pick<VerifiedToken, 'issuer' | 'subject' | 'claims'>;

/**
 * The customer that a token is of. Who comes for the first time becomes a customer, or is the one with the same e-mail
 * when both sides have confirmed it.
 * @throws Problem identity-not-linked; DependencyUnavailable
 */
export async function customerOfIdentity(deps: LinkDeps, token: Token): Promise<string> {
  const known = await enter(deps, token);
  if (known !== undefined) return known;
  await makeOrFind(deps, token);
  const made = await enter(deps, token);
  if (made === undefined) throw new Error('an identity was taken from its customer while they signed in');
  return made;
}

/**
 * Links an identity to a customer who is signed in otherwise; linking it again changes nothing.
 * @throws Problem identity-taken when it is somebody else's; DependencyUnavailable
 */
export async function linkIdentity(
  deps: LinkDeps,
  token: Token,
  customerId: string,
): Promise<{ identity: Identity; linked: boolean }> {
  const inserted = await identities.insertIdentity(deps.sql(), token, customerId, deps.clock);
  const identity = inserted ?? (await identities.findIdentity(deps.sql(), token, customerId));
  if (identity === undefined) throw new Problem('identity-taken', 'Another customer signs in with this identity.');
  await enter(deps, token);
  return { identity, linked: inserted !== undefined };
}

/**
 * Takes an identity from its customer: neither an exchange nor a token of it finds them any more.
 * @returns whether the customer had it
 * @throws DependencyUnavailable, and then nothing has changed
 */
export const unlinkIdentity = ({ sql, copies }: LinkDeps, id: string, customerId: string): Promise<boolean> =>
  inTransaction(sql(), async (tx) => {
    const name = await identities.deleteIdentity(tx, id, customerId);
    if (name !== undefined) await deleteCopy(copies, name);
    return name !== undefined;
  });

/** The copy is written while the identity cannot be taken away: one that was taken away does not come back. */
const enter = ({ sql, copies, clock }: LinkDeps, token: Token): Promise<string | undefined> =>
  inTransaction(sql(), async (tx) => {
    const customerId = await identities.useIdentity(tx, token, clock);
    if (customerId !== undefined) await putCopy(copies, token, customerId);
    return customerId;
  });

async function makeOrFind({ sql, clock }: LinkDeps, token: Token): Promise<void> {
  const { email, emailVerified, name } = token.claims;
  // What the issuer has not confirmed, anybody may have typed there.
  if (email === undefined || emailVerified !== true || !isEmail(email)) {
    throw notLinked('The identity provider has confirmed no e-mail address of yours.');
  }
  await inTransaction(sql(), async (tx) => {
    const passwordHash = unmatchableHash();
    const made = await identities.insertConfirmed(tx, { email, name: nameOf(name, email), passwordHash }, clock);
    const customerId = made ?? (await theirs(tx, email));
    await identities.insertIdentity(tx, token, customerId, clock);
  });
}

async function theirs(tx: Parameters<typeof identities.findByEmail>[0], email: string): Promise<string> {
  const customer = await identities.findByEmail(tx, email);
  // Whoever signed up with somebody else's address must not share in their identity, nor they in what is bought.
  if (customer?.confirmed !== true) throw notLinked('A customer has your e-mail address and has not confirmed it.');
  return customer.id;
}

const notLinked = (why: string) =>
  new Problem(
    'identity-not-linked',
    `${why} Sign in with e-mail and password, then link the identity by POST /customers/me/identities.`,
  );

/** As customers.customers takes it. */
const isEmail = (email: string): boolean => email.length <= 254 && /^[^\s@]+@[^\s@]+$/.test(email);

/** What the issuer calls them, or the first part of the address, without control characters. */
function nameOf(name: string | undefined, email: string): string {
  const clean = (name ?? '')
    .replace(/[\p{Cc}\p{Cs}]/gu, ' ')
    .trim()
    .slice(0, 200)
    .trim();
  return clean === '' ? email.split('@')[0]!.slice(0, 200) : clean;
}
