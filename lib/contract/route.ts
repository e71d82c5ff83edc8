import type { App, Caller, Customer } from './caller.ts';
import type { OperationId } from './operations.ts';
import type { DatabaseRole, Scope } from './roles.ts';

/** DynamoDB tables of the product, by what they hold. */
export type TableName =
  | 'sessions'
  | 'limits'
  | 'appKeys'
  | 'charges'
  | 'awaitedPayments'
  | 'webhookEvents'
  | 'providerCharges'
  | 'issuerKeys'
  | 'identities';
export type TableAction =
  | 'GetItem'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'Query'
  | 'Scan'
  | 'BatchGetItem'
  | 'BatchWriteItem';
export type TableGrants = Readonly<Partial<Record<TableName, readonly TableAction[]>>>;

/** What is done with the state machine, or with its executions. */
export type StateAction =
  | 'StartExecution'
  | 'DescribeStateMachine'
  | 'DescribeExecution'
  | 'GetExecutionHistory'
  | 'SendTaskSuccess';

/** Who may call: nobody in particular, a signed-in customer, either of the two, or an application by its key. */
export type Auth = 'public' | 'session' | 'public-or-session' | 'app';

/** Who a route's door can be called by. */
export type CallerOf<A extends Auth> = {
  public: Extract<Caller, { kind: 'anonymous' }>;
  session: Customer;
  'public-or-session': Exclude<Caller, App>;
  app: App;
}[A];

/** One row of the HTTP table. */
export type Route<A extends Auth = Auth> = {
  operation: OperationId;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** File under functions/, without its ending. */
  door: string;
  auth: A;
  scopes: readonly Scope[];
  rateClass: 'standard' | 'exempt';
  /** PostgreSQL login role; null for a door that stays outside the VPC. */
  databaseRole: DatabaseRole | null;
  /** DynamoDB beyond what authentication and limits need. */
  tables?: TableGrants;
  /** What the door does with the state machine. */
  states?: readonly StateAction[];
  /** Is there only where this provider charges; both are on a laptop. */
  provider?: 'simulated' | 'stripe';
  /** Waits for the saga on request, so it may run as long as an HTTP API lets it. */
  waits?: true;
};
