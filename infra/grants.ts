import type { Consumer } from '../functions/consumers.ts';
import type { Job } from '../functions/jobs.ts';
import type { Step } from '../functions/steps.ts';
import type { Stream } from '../functions/streams.ts';
import type { DatabaseRole } from '../lib/contract/deploy/roles.ts';
import type { FileAction, Route, StateAction, StateGrants } from '../lib/contract/deploy/route.ts';
import type { TableAction, TableName } from '../lib/contract/deploy/tables.ts';
import { eventSource, outboxSource, readModelSource, webhookSource } from '../lib/contract/events/define-event.ts';

/** Everything that a handler may do. */
export type Grants = {
  databaseRole: DatabaseRole | null;
  /** Roles of other rooms that the handler logs in as, too. */
  asks?: readonly DatabaseRole[];
  tables: Partial<Record<TableName, readonly TableAction[]>>;
  /** On each state machine or on its executions; `isOnExecutions` says which. */
  states: StateGrants;
  /** The payment provider that the handler calls; null for none. */
  payments: 'simulated' | 'stripe' | null;
  /** Whether the handler reads the signing secret of Stripe's webhook. */
  webhook: boolean;
  /** The `source` of what the handler puts on the event bus: none, one or several. */
  publishes: readonly string[];
  /** Whether the handler sends mails. */
  mails: boolean;
  /** Whether the handler reads where notices go. */
  tells?: true;
  /** Whether the handler reads the stage's metrics, and the tokens of who may have them. */
  readsMetrics?: true;
  /** What the handler does with the files of exported reports. */
  reportFiles?: readonly FileAction[];
  /** Whether the handler reads from the database's reader. */
  readsReader?: true;
  /** What the handler does with the warehouse, where the stage has one. */
  warehouse?: 'reads' | 'writes';
};

/** Whether a stage has a job at all: those of the warehouse, and what reads metrics, stand where there is one. */
export const stands = (
  { warehouse, readsMetrics }: Pick<Job, 'warehouse' | 'readsMetrics'>,
  stage: { warehouse: boolean; servesMetrics?: boolean },
): boolean => (warehouse !== 'writes' || stage.warehouse) && (readsMetrics !== true || stage.servesMetrics === true);

/** Whether an action is on an execution rather than on the state machine. */
export const isOnExecutions = (action: StateAction): boolean =>
  action === 'DescribeExecution' || action === 'GetExecutionHistory';

export type Handler =
  | { kind: 'http'; row: Route }
  | { kind: 'step'; row: Step }
  | { kind: 'job'; row: Job }
  | { kind: 'stream'; row: Stream }
  | { kind: 'consumer'; row: Consumer };

const publishedBy = ({ kind, row }: Handler): string[] => [
  ...(kind === 'job' && row.publishes ? [eventSource] : []),
  ...('wakesWebhooks' in row && row.wakesWebhooks ? [webhookSource] : []),
  ...('writesEvents' in row && row.writesEvents ? [outboxSource] : []),
  ...('wakesReadModels' in row && row.wakesReadModels ? [readModelSource] : []),
];

/** The rights of a handler: those that its row names, and those that authentication and rate limits need. */
export function grantsOf(handler: Handler, provider: 'simulated' | 'stripe'): Grants {
  const { row } = handler;
  const tables: Grants['tables'] = {};
  const add = (table: TableName, actions: readonly TableAction[]) => {
    tables[table] = [...new Set([...(tables[table] ?? []), ...actions])].toSorted();
  };
  if (handler.kind === 'http') {
    const { auth, rateClass } = handler.row;
    if (rateClass !== 'exempt') add('limits', ['UpdateItem']);
    // Requests extend their session and note when their key was last used.
    if (auth !== 'public') add('applications', ['GetItem']);
    if (auth !== 'public' && auth !== 'app') {
      add('sessions', ['GetItem', 'UpdateItem']);
      // To verify tokens of the identity provider.
      add('issuerKeys', ['GetItem']);
      add('identities', ['GetItem']);
    }
    if (auth === 'client' || auth === 'app' || auth === 'customerOrApp') add('appKeys', ['GetItem', 'UpdateItem']);
  }
  const callsProvider = (handler.kind === 'step' || handler.kind === 'job') && handler.row.provider;
  // Steps charge and refund; jobs only read transactions.
  const onCharges: readonly TableAction[] = handler.kind === 'step' ? ['GetItem', 'PutItem', 'UpdateItem'] : ['Scan'];
  if (callsProvider && provider === 'simulated') add('charges', onCharges);
  for (const [table, actions] of Object.entries(('tables' in row && row.tables) || {}))
    add(table as TableName, actions);
  return {
    databaseRole: row.databaseRole,
    ...('asks' in row && row.asks ? { asks: row.asks } : {}),
    tables,
    states: ('states' in row && row.states) || {},
    payments: callsProvider ? provider : null,
    webhook: handler.kind === 'http' && handler.row.provider === 'stripe',
    publishes: publishedBy(handler),
    mails: handler.kind === 'job' && handler.row.mails === true,
    ...(handler.kind === 'job' && handler.row.tells ? { tells: true } : {}),
    ...(handler.kind === 'job' && handler.row.readsMetrics ? { readsMetrics: true } : {}),
    ...('reportFiles' in row && row.reportFiles ? { reportFiles: row.reportFiles } : {}),
    ...('readsReader' in row && row.readsReader ? { readsReader: true } : {}),
    ...('warehouse' in row && row.warehouse ? { warehouse: row.warehouse } : {}),
  };
}
