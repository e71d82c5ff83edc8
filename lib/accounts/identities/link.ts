import type { Sql } from 'postgres';
import {
  deleteLink,
  type ExternalIdentity,
  type IdentityLinks,
  putLink,
} from '../../auth/identity/identity-links.dynamo.ts';
import type { VerifiedToken } from '../../auth/identity/verify.ts';
import type { Identity } from '../../contract/api/identities.ts';
import { Problem } from '../../contract/api/problems.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { unmatchableHash } from '../customers/passwords.ts';
import * as identities from './identities.sql.ts';

export type LinkDeps = { sql: () => Sql; links: IdentityLinks; clock: Clock };

/** Verifies a token of the identity provider; undefined when it is not valid here. */
export type VerifyToken = (jwt: string) => Promise<VerifiedToken | undefined>;

export type IdTokenDeps = LinkDeps & { verify: VerifyToken };

/**
 * Verifies an id token.
 * @param applicationId the application that the token must be issued to; any when absent
 * @throws Problem id-token-invalid; DependencyUnavailable
 */
export async function readIdToken(
  { verify }: Pick<IdTokenDeps, 'verify'>,
  idToken: string,
  applicationId?: string,
): Promise<VerifiedToken> {
  const token = await verify(idToken);
  if (token === undefined) {
    throw new Problem('id-token-invalid', 'The id token has expired, or its issuer or audience is not accepted here.');
  }
  if (token.use !== 'id') throw new Problem('id-token-invalid', 'This is an access token. Send the id token.');
  // Otherwise an application could open sessions with the tokens that another application's customers send it.
  if (applicationId !== undefined && token.applicationId !== applicationId) {
    throw new Problem('id-token-invalid', 'The id token was issued to another application.');
  }
  return token;
}

type Token = ExternalIdentity & Pick<VerifiedToken, 'claims'>;

/**
 * The customer of an identity. An identity that is not linked yet is linked to a new customer, or to the existing
 * customer with the same e-mail address if both the issuer and that customer have confirmed it.
 * @throws Problem identity-not-linked; DependencyUnavailable
 */
export async function customerOfIdentity(deps: LinkDeps, token: Token): Promise<string> {
  const known = await useIdentity(deps, token);
  if (known !== undefined) return known;
  await linkByEmail(deps, token);
  const linked = await useIdentity(deps, token);
  if (linked === undefined) throw new Error('an identity was unlinked while its customer signed in');
  return linked;
}

/**
 * Links an identity to a signed-in customer. Repeating it changes nothing.
 * @throws Problem identity-taken when it is linked to another customer; DependencyUnavailable
 */
export async function linkIdentity(
  deps: LinkDeps,
  token: Token,
  customerId: string,
): Promise<{ identity: Identity; linked: boolean }> {
  const inserted = await identities.insertIdentity(deps.sql(), token, customerId, deps.clock);
  const identity = inserted ?? (await identities.findIdentity(deps.sql(), token, customerId));
  if (identity === undefined) throw new Problem('identity-taken', 'Another customer signs in with this identity.');
  await useIdentity(deps, token);
  return { identity, linked: inserted !== undefined };
}

/**
 * Unlinks an identity from its customer. From now on its tokens no longer authenticate the customer.
 * @returns whether the customer had the identity
 * @throws DependencyUnavailable, and then nothing has changed
 */
export const unlinkIdentity = ({ sql, links }: LinkDeps, id: string, customerId: string): Promise<boolean> =>
  inTransaction(sql(), async (tx) => {
    const identity = await identities.deleteIdentity(tx, id, customerId);
    if (identity !== undefined) await deleteLink(links, identity);
    return identity !== undefined;
  });

/**
 * Notes that an identity was used, and copies its link to DynamoDB. The row stays locked until the copy is written, so
 * that a concurrent unlink cannot leave a copy behind.
 * @returns the linked customer, if any
 */
const useIdentity = ({ sql, links, clock }: LinkDeps, identity: ExternalIdentity): Promise<string | undefined> =>
  inTransaction(sql(), async (tx) => {
    const customerId = await identities.touchIdentity(tx, identity, clock);
    if (customerId !== undefined) await putLink(links, identity, customerId);
    return customerId;
  });

async function linkByEmail({ sql, clock }: LinkDeps, token: Token): Promise<void> {
  const { email, emailVerified, name } = token.claims;
  // Anybody may have typed an address that the issuer has not confirmed.
  if (email === undefined || emailVerified !== true || !isEmail(email)) {
    throw notLinked('The identity provider has not confirmed an e-mail address of yours.');
  }
  await inTransaction(sql(), async (tx) => {
    const passwordHash = unmatchableHash();
    const created = await identities.insertConfirmed(tx, { email, name: nameOf(name, email), passwordHash }, clock);
    const customerId = created ?? (await confirmedCustomerWith(tx, email));
    await identities.insertIdentity(tx, token, customerId, clock);
  });
}

async function confirmedCustomerWith(tx: Parameters<typeof identities.findByEmail>[0], email: string): Promise<string> {
  const customer = await identities.findByEmail(tx, email);
  // The account may have been created by somebody else: they and the owner of the address must not share an account.
  if (customer?.confirmed !== true) throw notLinked('A customer has your e-mail address but has not confirmed it.');
  return customer.id;
}

const notLinked = (why: string) =>
  new Problem(
    'identity-not-linked',
    `${why} Sign in with e-mail and password, then link the identity by POST /customers/me/identities.`,
  );

/** Whether customers.customers accepts this address. */
const isEmail = (email: string): boolean => email.length <= 254 && /^[^\s@]+@[^\s@]+$/.test(email);

/** The name that the issuer gives, without control characters; the local part of the address if there is none. */
function nameOf(name: string | undefined, email: string): string {
  const clean = (name ?? '')
    .replace(/[\p{Cc}\p{Cs}]/gu, ' ')
    .trim()
    .slice(0, 200)
    .trim();
  return clean === '' ? email.split('@')[0]!.slice(0, 200) : clean;
}
