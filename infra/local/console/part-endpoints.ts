import type { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { tables } from '../../../lib/contract/deploy/tables.ts';
import { redacted } from '../../../lib/kernel/redact.ts';
import type { Database } from './database.sql.ts';
import type { MetricStore } from './metric-store.ts';
import { cacheView, eventsView, postgresView } from './parts.ts';
import type { RemoteStack } from './protocol.ts';
import { type Endpoint, Refused } from './server.ts';
import { listTables, readItems } from './tables.dynamo.ts';

type Deps = {
  database: Database;
  documents: DynamoDBDocument;
  stack: RemoteStack;
  store: MetricStore;
  readLog: () => Promise<void>;
  changed: () => void;
};

/** By how many seconds the page moves the clock. */
const moves: readonly unknown[] = [60, 3600, 86_400];

/** The endpoints of the parts of the stack, and of its clock. */
export function partEndpoints({ database, documents, stack, store, readLog, changed }: Deps): Endpoint[] {
  const get = (path: RegExp, answer: Endpoint['answer']): Endpoint => ({ method: 'GET', path, answer });
  const post = (path: RegExp, answer: Endpoint['answer']): Endpoint => ({ method: 'POST', path, answer });
  return [
    get(/^parts\/postgres$/, () => postgresView(database, stack)),
    get(/^parts\/dynamodb$/, () => listTables(documents)),
    get(/^parts\/dynamodb\/(\w+)$/, ({ parts: [table] }) => {
      if (!Object.hasOwn(tables, table!)) throw new Refused(404, 'There is no such table.');
      return readItems(documents, table!);
    }),
    get(/^parts\/events$/, async () => {
      const { now } = await stack.clock();
      return eventsView({ database, documents, stack }, new Date(now));
    }),
    post(/^parts\/events\/redrive$/, async () => ({ count: await stack.redriveEvents() })),
    get(/^parts\/schedules$/, async () =>
      (await stack.jobs()).map((job) => ({
        ...job,
        last: job.last && { ...job.last, error: job.last.error && redacted(job.last.error) },
      })),
    ),
    post(/^parts\/schedules\/([a-z-]+)$/, async ({ parts: [name] }) => {
      if (!(await stack.jobs()).some((job) => job.name === name)) throw new Refused(404, 'There is no such job.');
      await stack.runJob(name!).catch((error: Error) => {
        throw new Refused(502, `The job has failed: ${redacted(error.message)}`);
      });
      changed();
      return {};
    }),
    get(/^parts\/mails$/, () => stack.mails()),
    get(/^parts\/cache$/, async () => {
      await readLog();
      return cacheView(store, Date.now());
    }),
    get(/^clock$/, () => stack.clock()),
    post(/^clock$/, async ({ body }) => {
      const { seconds } = (body ?? {}) as { seconds?: unknown };
      if (!moves.includes(seconds)) throw new Refused(400, 'The clock moves by a minute, an hour or a day.');
      const reading = await stack.advance(seconds as number).catch((error: Error) => {
        throw error.name === 'JobsStillRunning' ? new Refused(503, error.message) : error;
      });
      changed();
      return reading;
    }),
  ];
}
