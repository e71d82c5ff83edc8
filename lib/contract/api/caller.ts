import type { RateClass } from '../deploy/limits.ts';
import type { Scope } from '../deploy/roles.ts';
import type { ApplicationKind } from './applications.ts';

/** The parts of a registered application that a request needs. */
export type Application = {
  id: string;
  name: string;
  kind: ApplicationKind;
  scopes: readonly Scope[];
  rateClass: RateClass;
  /** The origins from which a web application may call. */
  origins: readonly string[];
  /** Sessions opened before this time, in milliseconds since the epoch, are ended. */
  sessionsNotBefore: number;
};

/** When it was opened, and when the customer proved who they are, in milliseconds since the epoch. */
export type OwnSession = { customerId: string; tokenHash: string; openedAt: number; authenticatedAt: number };

/** Who calls, according to the credentials. `address` is the client's IP address. */
export type Caller =
  | { kind: 'anonymous'; address: string }
  /** An application that named itself without proof. */
  | { kind: 'client'; address: string; application: Application }
  | {
      kind: 'customer';
      address: string;
      application: Application;
      customerId: string;
      /** Absent for a caller with a token of the identity provider. */
      session?: OwnSession;
    }
  | { kind: 'app'; address: string; application: Application; keyId: string };

export type CallerKind = Caller['kind'];
export type Customer = Extract<Caller, { kind: 'customer' }>;
export type SignedIn = Customer & { session: OwnSession };
export type App = Extract<Caller, { kind: 'app' }>;

/** The customer who calls; undefined for an application that calls for everybody. */
export const customerOf = (caller: Customer | App): string | undefined =>
  caller.kind === 'customer' ? caller.customerId : undefined;

/** The owner of an idempotency key. */
export function callerKey(caller: Caller): string {
  switch (caller.kind) {
    case 'anonymous':
      return `address:${caller.address}`;
    case 'client':
      return `client:${caller.application.id}:${caller.address}`;
    case 'customer':
      return `customer:${caller.customerId}`;
    case 'app':
      return `application:${caller.application.id}`;
  }
}

/** Whether a caller sees what products cost the shop: an application that proved itself by a key, and keeps books or products. */
export const seesCosts = (caller: Caller): boolean =>
  caller.kind === 'app' &&
  ['catalog:write' as const, 'reports:read' as const].some((scope) => caller.application.scopes.includes(scope));

/** Whether a caller keeps the catalogue: an application that proved itself by a key, and may change products. */
export const isBackOffice = (caller: Caller): boolean =>
  caller.kind === 'app' && caller.application.scopes.includes('catalog:write');
