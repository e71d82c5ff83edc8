import type { Scope } from './roles.ts';

/** Who is calling, as far as credentials say. `address` is the client's IP address. */
export type Caller =
  | { kind: 'anonymous'; address: string }
  | { kind: 'customer'; address: string; customerId: string; session: { customerId: string; tokenHash: string } }
  | { kind: 'app'; address: string; keyId: string; scopes: readonly Scope[] };

export type Customer = Extract<Caller, { kind: 'customer' }>;
export type App = Extract<Caller, { kind: 'app' }>;

/** What idempotency keys and limits are counted by. */
export function callerKey(caller: Caller): string {
  switch (caller.kind) {
    case 'anonymous':
      return `address:${caller.address}`;
    case 'customer':
      return `customer:${caller.customerId}`;
    case 'app':
      return `app:${caller.keyId}`;
  }
}
