import type { Context } from 'aws-lambda';
import type { Sql } from 'postgres';
import { routes } from '../../functions/routes.ts';
import type { ApplicationStore } from '../../lib/auth/applications/applications.dynamo.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { databaseRoles, type Scope } from '../../lib/contract/deploy/roles.ts';
import { tables, tableVariable } from '../../lib/contract/deploy/tables.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { useAccessSink } from '../../lib/platform/access-log.ts';
import { cacheTimeouts } from '../../lib/platform/cache.dynamo.ts';
import { dynamoTimeouts } from '../../lib/platform/dynamo.ts';
import { dropPool } from '../../lib/platform/pools.ts';
import { fieldsOf, newServer } from './applications.ts';
import { startTestDynamo, type TestDynamo } from './dynamo.ts';
import { httpEvent } from './events.ts';
import { type Answer, type Call, poolOptions } from './handlers.ts';
import { createDatabase, testPostgres } from './postgres.ts';

export type LiveHandlers = {
  /** Calls the handler of an operation, wired as on Lambda. */
  call(operation: OperationId, options?: Call): Promise<Answer>;
  /** The key of a new server with these scopes. */
  appKey(...scopes: Scope[]): Promise<string>;
  /** A web application with all scopes, which calls without a token come from. */
  clientId: string;
  applications: ApplicationStore;
  dynamo: TestDynamo;
  /** Runs work with the time-outs for DynamoDB of a function on Lambda. Otherwise they are long, for busy machines. */
  impatiently<T>(work: () => Promise<T>): Promise<T>;
  /** The access records that handlers have printed so far, each a line of JSON. */
  accessLines: string[];
  /** The database, with the rights of its owner. */
  owner: Sql;
  close(): Promise<void>;
};

/**
 * Opens the handlers as they are deployed, with a new database behind the local RDS Proxy and an in-memory DynamoDB. Sets the
 * environment variables of the test's process; call it once in a file.
 */
export async function openLiveHandlers(settings: Record<string, string> = {}): Promise<LiveHandlers> {
  const { proxy } = testPostgres();
  const specs = Object.entries(tables).map(([name, keys]) => ({ name, ...keys }));
  const [database, dynamo] = await Promise.all([createDatabase(), startTestDynamo(specs)]);
  Object.assign(process.env, {
    AWS_REGION: proxy.region,
    AWS_ACCESS_KEY_ID: proxy.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: proxy.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    DATABASE_HOST: proxy.host,
    DATABASE_PORT: String(proxy.port),
    DATABASE_NAME: database.name,
    DATABASE_CA_FILE: proxy.caFile,
    DATABASE_POOL_SIZE: '4',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
    ...Object.fromEntries(Object.keys(tables).map((table) => [tableVariable(table), table])),
    ...settings,
  });
  const accessLines: string[] = [];
  useAccessSink((line) => accessLines.push(line));
  const owner = database.connect('migrator', poolOptions) as unknown as Sql;
  const waitForDynamo = ({ cacheCall, ...times }: typeof dynamoTimeouts & { cacheCall: number }) => {
    Object.assign(dynamoTimeouts, times);
    cacheTimeouts.call = cacheCall;
  };
  const patience = { connectMs: 2 * 60_000, answerMs: 2 * 60_000, cacheCall: 2 * 60_000 };
  const deployed = { ...dynamoTimeouts, cacheCall: cacheTimeouts.call };
  waitForDynamo(patience);
  const applications = { client: dynamo.documents, table: 'applications', keysTable: 'appKeys', clock: systemClock };
  const { id: clientId } = await registerByHand(applications, fieldsOf('web'));
  return {
    dynamo,
    accessLines,
    owner,
    clientId,
    applications,
    async impatiently(work) {
      waitForDynamo(deployed);
      try {
        return await work();
      } finally {
        waitForDynamo(patience);
      }
    },
    async call(operation, { token, headers, ...options } = {}) {
      const route = routes[operation];
      const { handler } = await import(`../../functions/http/${operation}.ts`);
      const credentials = token === undefined ? { 'client-id': clientId } : { authorization: `Bearer ${token}` };
      const response = await handler(
        httpEvent({ method: route.method, path: route.path, headers: { ...credentials, ...headers }, ...options }),
        {} as Context,
      );
      const text: string = response.body ?? '';
      const body = text === '' ? undefined : JSON.parse(text);
      return { status: response.statusCode, headers: response.headers, text, body };
    },
    appKey: async (...scopes) => (await newServer(applications, ...scopes)).key,
    async close() {
      for (const role of databaseRoles) dropPool(role);
      await Promise.all([owner.end(), dynamo.stop()]);
      await database.drop();
    },
  };
}
