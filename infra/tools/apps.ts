import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { createKey, listKeys, removeKey } from '../../lib/auth/applications/app-keys.dynamo.ts';
import {
  type ApplicationStore,
  changeApplication,
  listApplications,
  readApplication,
  removeApplication,
} from '../../lib/auth/applications/applications.dynamo.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { createApplication } from '../../lib/contract/api/applications.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { scopes as knownScopes } from '../../lib/contract/deploy/roles.ts';
import { tableVariable } from '../../lib/contract/deploy/tables.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { idPattern } from '../../lib/kernel/ids.ts';

export const usage = `npm run apps -- create --name NAME --kind KIND --scopes SCOPE,… --contact EMAIL
                       [--rate-class CLASS] [--origins ORIGIN,…] [--identity-clients ID,…] [--days N]
                                          register an application; a server's first key expires after N days, or never
npm run apps -- list                      list every application and its keys, without the secrets
npm run apps -- add-key APPID [--days N]  add a key, so that you can replace one without an interruption
npm run apps -- remove-key APPID KEYID    remove a key; it stops working at once
npm run apps -- suspend|resume APPID      suspend an application within a second, or resume it
npm run apps -- remove APPID              remove an application and its keys

Kinds: mobile and web (send a Client-Id), server and analytics (have keys). Rate classes: trial, standard, high.
Scopes: ${knownScopes.join(', ')}; or all.
It uses the tables that --table and --keys-table name, or else ${tableVariable('applications')} and ${tableVariable('appKeys')},
in AWS_REGION with your AWS credentials. AWS_ENDPOINT_URL_DYNAMODB selects another DynamoDB.`;

/** The command line is not valid. The message is one sentence. */
class InvalidUsage extends Error {
  override readonly name = 'InvalidUsage';
}

export type Tables = { table: string | undefined; keysTable: string | undefined };
type Print = (line: string) => void;
type Values = Record<
  | 'name'
  | 'kind'
  | 'scopes'
  | 'contact'
  | 'rate-class'
  | 'origins'
  | 'identity-clients'
  | 'days'
  | 'table'
  | 'keys-table',
  string | undefined
>;

/** Runs one command line. Returns the exit code: 0 done, 1 failed, 2 invalid command line. */
export async function runApps(
  args: string[],
  storeOf: (tables: Tables) => ApplicationStore,
  print: { out: Print; err: Print },
): Promise<number> {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        kind: { type: 'string' },
        scopes: { type: 'string' },
        contact: { type: 'string' },
        'rate-class': { type: 'string' },
        origins: { type: 'string' },
        'identity-clients': { type: 'string' },
        days: { type: 'string' },
        table: { type: 'string' },
        'keys-table': { type: 'string' },
      },
    });
    const [command = '', ...rest] = positionals;
    const run = commands[command];
    if (run === undefined || rest.length !== run.length) {
      throw new InvalidUsage(command === '' ? 'Name a command.' : `There is no command "${positionals.join(' ')}".`);
    }
    const ids = rest.map((id, at) => checkId(id, at === 0 ? 'application' : 'appKey'));
    const work = run.prepare(ids, values as Values);
    await work(storeOf({ table: values.table, keysTable: values['keys-table'] }), print.out);
    return 0;
  } catch (error) {
    const misused = error instanceof InvalidUsage || (error instanceof TypeError && 'code' in error);
    print.err(misused ? `${error.message}\n\n${usage}` : describe(error));
    return misused ? 2 : 1;
  }
}

type Work = (store: ApplicationStore, print: Print) => Promise<void>;

/** `prepare` checks the arguments before anything is opened. `length`: how many ids follow the command. */
const commands: Record<string, { length: number; prepare: (ids: string[], values: Values) => Work }> = {
  create: { length: 0, prepare: (_, values) => create(fieldsOf(values), daysOf(values.days)) },
  list: { length: 0, prepare: () => list },
  'add-key': { length: 1, prepare: ([id], { days }) => addKey(id!, daysOf(days)) },
  'remove-key': {
    length: 2,
    prepare:
      ([id, keyId]) =>
      async (store, print) => {
        if (!(await removeKey(store, id!, keyId!))) throw new Error(`${id} has no key ${keyId}.`);
        print(`${keyId} is removed.`);
      },
  },
  suspend: { length: 1, prepare: ([id]) => setStatus(id!, 'suspended') },
  resume: { length: 1, prepare: ([id]) => setStatus(id!, 'active') },
  remove: {
    length: 1,
    prepare:
      ([id]) =>
      async (store, print) => {
        await removeApplication(store, await find(store, id!));
        print(`${id} is removed.`);
      },
  },
};

const create =
  (fields: ReturnType<typeof fieldsOf>, days: number | undefined): Work =>
  async (store, print) => {
    const { id, key, keyId } = await registerByHand(store, fields, { expiresAt: endOf(store, days) });
    print(`${id}  ${fields.name}  ${fields.kind}  ${fields.scopes.join(',')}`);
    if (key === undefined) print(`It sends this header: Client-Id: ${id}`);
    else print(`Its key ${keyId}, which is shown only once: ${key}`);
  };

async function list(store: ApplicationStore, print: Print): Promise<void> {
  const all = await listApplications(store);
  if (all.length === 0) print('There are no applications.');
  for (const item of all) {
    print([item.applicationId, item.status, item.kind, item.name, item.scopes.join(',')].join('  '));
    for (const { id, createdAt, expiresAt, lastUsedAt, createdBy } of await listKeys(store, item)) {
      const times = { created: createdAt, by: createdBy, expires: expiresAt, 'last used': lastUsedAt };
      const known = Object.entries(times).flatMap(([what, at]) => (at === null ? [] : [`${what} ${at}`]));
      print(`  ${[id, ...known].join('  ')}`);
    }
  }
}

const addKey =
  (id: string, days: number | undefined): Work =>
  async (store, print) => {
    const { kind } = await find(store, id);
    if (kind === 'mobile' || kind === 'web')
      throw new Error(`A ${kind} application has no keys: it sends its Client-Id.`);
    const made = await createKey(store, id, { expiresAt: endOf(store, days) });
    print(`${made.id}, which is shown only once: ${made.key}`);
  };

const setStatus =
  (id: string, status: 'active' | 'suspended'): Work =>
  async (store, print) => {
    await changeApplication(store, await find(store, id), { status });
    print(`${id} is ${status}.`);
  };

async function find(store: ApplicationStore, id: string) {
  const item = await readApplication(store, id);
  if (item === undefined) throw new Error(`There is no application ${id}.`);
  return item;
}

/** Checks the options by the same schema as a request. */
function fieldsOf(values: Values) {
  const list = (text: string | undefined) =>
    text === undefined ? undefined : text.split(',').map((one) => one.trim());
  const { name, kind, contact } = values;
  const result = createApplication.body.safeParse({
    name,
    kind,
    contact,
    scopes: values.scopes === 'all' ? [...knownScopes] : list(values.scopes),
    rateClass: values['rate-class'],
    origins: list(values.origins),
    identityClientIds: list(values['identity-clients']),
  });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const option = String(issue!.path[0] ?? '')
    .replace('rateClass', 'rate-class')
    .replace('identityClientIds', 'identity-clients');
  throw new InvalidUsage(`--${option}: ${issue!.message}.`);
}

function daysOf(days: string | undefined): number | undefined {
  if (days !== undefined && !/^[1-9]\d{0,4}$/.test(days))
    throw new InvalidUsage('--days must be a whole number from 1 to 99999.');
  return days === undefined ? undefined : Number(days);
}

const endOf = ({ clock }: ApplicationStore, days: number | undefined) =>
  days === undefined ? undefined : clock.now() + days * 24 * 3600 * 1000;

function checkId(id: string, kind: 'application' | 'appKey'): string {
  if (idPattern(kind).test(id)) return id;
  throw new InvalidUsage(
    id.startsWith('cfk_')
      ? 'Use the id of the key (key_…), which "list" shows, not the key itself.'
      : `"${id}" is not the id of ${kind === 'application' ? 'an application (app_…)' : 'a key (key_…)'}.`,
  );
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Problem) return error.message;
  const cause = error.cause instanceof Error ? error.cause : error;
  if (cause.name === 'ResourceNotFoundException') {
    return `DynamoDB has no such table; name the tables with --table and --keys-table, or with ${tableVariable('applications')} and ${tableVariable('appKeys')} (outputs ApplicationsTable and AppKeysTable of the data stack).`;
  }
  return error instanceof DependencyUnavailable
    ? `DynamoDB cannot be reached: ${cause.message || cause.name}`
    : error.message;
}

if (import.meta.main) {
  process.exitCode = await runApps(
    process.argv.slice(2),
    ({ table = process.env[tableVariable('applications')], keysTable = process.env[tableVariable('appKeys')] }) => {
      if (table === undefined || keysTable === undefined) {
        throw new InvalidUsage(
          `Name the tables with --table and --keys-table, or ${tableVariable('applications')} and ${tableVariable('appKeys')}.`,
        );
      }
      return { client: DynamoDBDocument.from(new DynamoDBClient({})), table, keysTable, clock: systemClock };
    },
    { out: console.log, err: console.error },
  );
}
