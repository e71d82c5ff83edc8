import type { App, Caller, Customer, SignedIn } from '../api/caller.ts';
import type { OperationId } from '../api/operations.ts';
import type { DatabaseRole, Scope } from './roles.ts';
import type { TableGrants } from './tables.ts';

/** The state machines of the saga, infra/saga/<name>.asl.json → the environment variable that holds the ARN. */
export const stateMachineVariables = {
  placing: 'PLACING_STATE_MACHINE_ARN',
  compensating: 'COMPENSATING_STATE_MACHINE_ARN',
  capturing: 'CAPTURING_STATE_MACHINE_ARN',
  refunding: 'REFUNDING_STATE_MACHINE_ARN',
} as const;
export type StateMachineName = keyof typeof stateMachineVariables;
export const stateMachines = Object.keys(stateMachineVariables) as StateMachineName[];

/** The alias by which callers reach a function or start a state machine that moves to a new version as a canary. */
export const liveAlias = 'live';

/** What is done with a state machine, or with its executions. */
export type StateAction =
  | 'StartExecution'
  | 'DescribeStateMachine'
  | 'DescribeExecution'
  | 'GetExecutionHistory'
  | 'SendTaskSuccess';
export type StateGrants = Readonly<Partial<Record<StateMachineName, readonly StateAction[]>>>;

/** What is done with files in S3. */
export type FileAction = 'GetObject' | 'PutObject';

/**
 * Who may call. `public`: anybody. `client`: any registered application, by its Client-Id, a customer's credential or a
 * key. `customer`: a customer, by a session or a token of the identity provider. `session`: by a session alone.
 * `app`: an application by its key. `customerOrApp`: either of both, by their credentials.
 */
export type Auth = 'public' | 'client' | 'customer' | 'session' | 'app' | 'customerOrApp';

/** The callers that a route's handler can have. */
export type CallerOf<A extends Auth> = {
  public: Extract<Caller, { kind: 'anonymous' }>;
  client: Exclude<Caller, { kind: 'anonymous' }>;
  customer: Customer;
  session: SignedIn;
  app: App;
  customerOrApp: Customer | App;
}[A];

/** One row of the HTTP table. */
export type Route<A extends Auth = Auth> = {
  operation: OperationId;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'ANY';
  path: string;
  /** File under functions/, without its ending. */
  handler: string;
  auth: A;
  /** Needs a session whose customer proved who they are within the last ten minutes. */
  recent?: true;
  /** Scopes that the caller's application must have, all of them. */
  scopes: readonly Scope[];
  rateClass: 'standard' | 'exempt';
  /** The most concurrent requests of one application, for expensive operations. */
  concurrent?: number;
  /** PostgreSQL login role; null for a handler outside the network. */
  databaseRole: DatabaseRole | null;
  /** Login roles of other rooms, which it asks for what belongs to its answer. */
  asks?: readonly DatabaseRole[];
  /** DynamoDB rights besides those for authentication and limits. */
  tables?: TableGrants;
  /** What the handler does with the state machines. */
  states?: StateGrants;
  /** Tells a sender of webhooks of work. */
  wakesWebhooks?: true;
  /** Writes events without a saga, and tells the publisher. */
  writesEvents?: true;
  /** Reads from the database's reader, where the stage has one. */
  readsReader?: true;
  /** What it does with the files of exported reports. */
  reportFiles?: readonly FileAction[];
  /** Asks the warehouse, where the stage has one. */
  warehouse?: 'reads';
  /** Is there only where this provider charges; both are on a laptop. */
  provider?: 'simulated' | 'stripe';
  /** Can wait for the saga, so it may run as long as an HTTP API allows. */
  waits?: true;
};
