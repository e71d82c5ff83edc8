import type { Sql, TransactionSql } from 'postgres';
import { countExchange, type ExchangeStore } from '../../auth/identity/exchanges.dynamo.ts';
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
import type { Access } from '../customers/customers.sql.ts';
import { unmatchableHash } from '../customers/passwords.ts';
import { writeNotice } from '../mail/outbox.sql.ts';
import { mailOf } from '../mail/texts.ts';
import * as identities from './identities.sql.ts';

export type LinkDeps = { sql: () => Sql; links: IdentityLinks; clock: Clock };

/** Verifies a token of the identity provider; undefined when it is not valid here. */
export type VerifyToken = (jwt: string) => Promise<VerifiedToken | undefined>;

export type IdTokenDeps = LinkDeps & { verify: VerifyToken };

/**
 * Verifies an id token.
 * @param expected the application and the nonce that the token must be issued for; any where absent
 * @throws Problem id-token-invalid; DependencyUnavailable
 */
export async function readIdToken(
  { verify }: Pick<IdTokenDeps, 'verify'>,
  idToken: string,
  expected: { applicationId?: string; nonce?: string | undefined } = {},
): Promise<VerifiedToken> {
  const token = await verify(idToken);
  if (token === undefined) {
    throw new Problem('id-token-invalid', 'The id token has expired, or its issuer or audience is not accepted here.');
  }
  if (token.use !== 'id') throw new Problem('id-token-invalid', 'This is an access token. Send the id token.');
  // Otherwise an application could open sessions with the tokens that another application's customers send it.
  if (expected.applicationId !== undefined && token.applicationId !== expected.applicationId) {
    throw new Problem('id-token-invalid', 'The id token was issued to another application.');
  }
  if (expected.nonce !== undefined && token.claims.nonce !== expected.nonce) {
    throw new Problem('id-token-invalid', 'The id token was issued for another nonce.');
  }
  return token;
}

/**
 * Exchanges an id token of an application for its customer, who may be a new one. One token can be exchanged ten times.
 * @returns the customer's access, and when they proved who they are to the issuer
 * @throws Problem id-token-invalid, identity-not-linked; DependencyUnavailable
 */
export async function exchangeIdToken(
  deps: IdTokenDeps & { lockout: ExchangeStore },
  { idToken, nonce }: { idToken: string; nonce?: string | undefined },
  applicationId: string,
): Promise<Access & { authenticatedAt: number }> {
  const token = await readIdToken(deps, idToken, { applicationId, nonce });
  await countExchange(deps.lockout, idToken);
  return { ...(await customerOfIdentity(deps, token)), authenticatedAt: token.authenticatedAt };
}

type Token = ExternalIdentity & Pick<VerifiedToken, 'claims' | 'issuedAt'>;

/**
 * The customer of an identity. An identity that is not linked yet is linked to a new customer, or to the existing
 * customer with the same e-mail address if both the issuer and that customer have confirmed it.
 * @throws Problem identity-not-linked; id-token-invalid when it is older than the last sign-out everywhere;
 *   DependencyUnavailable
 */
export async function customerOfIdentity(deps: LinkDeps, token: Token): Promise<Access> {
  const known = await useIdentity(deps, token);
  if (known !== undefined) return stillCounts(token, known);
  await linkByEmail(deps, token);
  const linked = await useIdentity(deps, token);
  if (linked === undefined) throw new Error('an identity was unlinked while its customer signed in');
  return stillCounts(token, linked);
}

function stillCounts({ issuedAt }: Token, { id, suspended, accessVersion, notBefore }: identities.Link): Access {
  if (issuedAt >= notBefore) return { id, suspended, accessVersion };
  throw new Problem(
    'id-token-invalid',
    'The id token is older than your last sign-out everywhere. Sign in again there.',
  );
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
  const { clock } = deps;
  const link = await inTransaction(deps.sql(), async (tx) => {
    const inserted = await identities.insertIdentity(tx, { ...token, email: token.claims.email }, customerId, clock);
    if (inserted !== undefined) await notify(tx, { kind: 'identity-linked', customerId, issuer: token.issuer }, clock);
    return { inserted, identity: inserted ?? (await identities.findIdentity(tx, token, customerId)) };
  });
  if (link.identity === undefined) throw new Problem('identity-taken', 'Another customer signs in with this identity.');
  await useIdentity(deps, token);
  return { identity: link.identity, linked: link.inserted !== undefined };
}

/**
 * Unlinks an identity from its customer. From now on its tokens no longer authenticate the customer.
 * @throws Problem not-found when the customer has no such identity; DependencyUnavailable
 */
export async function unlinkOne(
  tx: TransactionSql,
  { links, clock }: Pick<LinkDeps, 'links' | 'clock'>,
  { id, customerId }: { id: string; customerId: string },
): Promise<void> {
  const identity = await identities.deleteIdentity(tx, id, customerId);
  if (identity === undefined) throw new Problem('not-found', 'The customer has no identity with this id.');
  await notify(tx, { kind: 'identity-unlinked', customerId, issuer: identity.issuer }, clock);
  await deleteLink(links, identity);
}

/**
 * Refuses the tokens that issuers have issued to a customer so far, for requests and for new sessions. Of a suspended
 * customer it refuses all.
 * @throws DependencyUnavailable
 */
export async function refuseIssuedTokens(
  tx: TransactionSql,
  { links, clock }: Pick<LinkDeps, 'links' | 'clock'>,
  customerId: string,
): Promise<void> {
  const link = { customerId, notBefore: clock.now() };
  const { suspended, linked } = await identities.refuseTokens(tx, customerId, clock);
  for (const identity of linked) await (suspended ? deleteLink(links, identity) : putLink(links, identity, link));
}

/**
 * Unlinks all identities of a customer, and refuses the tokens issued so far, should one of them be linked again.
 * @throws DependencyUnavailable
 */
export async function unlinkAll(
  tx: TransactionSql,
  { links, clock }: Pick<LinkDeps, 'links' | 'clock'>,
  customerId: string,
): Promise<void> {
  await identities.refuseTokens(tx, customerId, clock);
  for (const identity of await identities.deleteIdentities(tx, customerId)) await deleteLink(links, identity);
}

type Notice = { kind: 'identity-linked' | 'identity-unlinked'; customerId: string; issuer: string };

/** Mails the customer that a way to sign in was added or removed. */
async function notify(tx: TransactionSql, { kind, customerId, issuer }: Notice, clock: Clock): Promise<void> {
  const to = await identities.addressOf(tx, customerId);
  await writeNotice(tx, { kind, to, ...mailOf(kind, { issuer }) }, clock);
}

/**
 * Notes that an identity was used, and copies its link to DynamoDB. The row stays locked until the copy is written, so
 * that a concurrent unlink cannot leave a copy behind.
 * @returns the linked customer, if any
 */
const useIdentity = ({ sql, links, clock }: LinkDeps, token: Token): Promise<identities.Link | undefined> =>
  inTransaction(sql(), async (tx) => {
    const link = await identities.touchIdentity(tx, token, token.claims.email, clock);
    if (link?.suspended === false) await putLink(links, token, { customerId: link.id, notBefore: link.notBefore });
    return link;
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
    await identities.insertIdentity(tx, { ...token, email }, customerId, clock);
    // Adding the row has waited for an erasure that was under way, which has not seen it.
    await identities.addressOf(tx, customerId);
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
