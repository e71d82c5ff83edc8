import type { RateClass } from '../deploy/limits.ts';
import type { Scope } from '../deploy/roles.ts';
import type { ApplicationKind } from './applications.ts';

/** A registered application, as far as a request needs to know it. */
export type Application = {
  id: string;
  name: string;
  kind: ApplicationKind;
  scopes: readonly Scope[];
  rateClass: RateClass;
  /** From which pages a web application may call. */
  origins: readonly string[];
};

/** Who is calling, as far as credentials say. `address` is the client's IP address. */
export type Caller =
  | { kind: 'anonymous'; address: string }
  /** An application that has said which it is, and proved nothing. */
  | { kind: 'client'; address: string; application: Application }
  | {
      kind: 'customer';
      address: string;
      application: Application;
      customerId: string;
      /** None for a caller with a token of the identity provider. */
      session?: { customerId: string; tokenHash: string };
    }
  | { kind: 'app'; address: string; application: Application; keyId: string };

export type CallerKind = Caller['kind'];
export type Customer = Extract<Caller, { kind: 'customer' }>;
export type SignedIn = Customer & { session: { customerId: string; tokenHash: string } };
export type App = Extract<Caller, { kind: 'app' }>;

/** What idempotency keys are kept by. */
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
