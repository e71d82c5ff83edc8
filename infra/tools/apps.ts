import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
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
                                          register an application; a server's first key lives for ever or N days
npm run apps -- list                      every application with its keys, without their secrets
npm run apps -- add-key APPID [--days N]  another key, to replace one without a gap
npm run apps -- remove-key APPID KEYID    take a key out of use at once
npm run apps -- suspend|resume APPID      cut an application off within a second, or let it in again
npm run apps -- remove APPID              remove an application and its keys

Kinds: mobile and web (named by their Client-Id), server and analytics (with keys). Classes: trial, standard, high.
Scopes: ${knownScopes.join(', ')}; or all.
The tables are those that --table and --keys-table or ${tableVariable('applications')} and ${tableVariable('appKeys')} name, in
AWS_REGION with your AWS credentials; AWS_ENDPOINT_URL_DYNAMODB points to another DynamoDB.`;

/** What was asked for cannot be done, in one sentence. */
class BadUse extends Error {
  override readonly name = 'BadUse';
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

/** Runs one command line. Answers the exit code: 0 done, 1 failed, 2 not understood. */
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
      throw new BadUse(command === '' ? 'Say what to do.' : `There is no command "${positionals.join(' ')}".`);
    }
    const ids = rest.map((id, at) => checkId(id, at === 0 ? 'application' : 'appKey'));
    const work = run.prepare(ids, values as Values);
    await work(storeOf({ table: values.table, keysTable: values['keys-table'] }), print.out);
    return 0;
  } catch (error) {
    const misused = error instanceof BadUse || (error instanceof TypeError && 'code' in error);
    print.err(misused ? `${error.message}\n\n${usage}` : describe(error));
    return misused ? 2 : 1;
  }
}

type Work = (store: ApplicationStore, print: Print) => Promise<void>;

/** What is asked for is checked before anything is opened. `length`: how many ids come behind the command. */
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
        print(`${keyId} is out of use.`);
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
    if (key === undefined) print(`It names itself by the header Client-Id: ${id}`);
    else print(`Its key ${keyId} is shown this once: ${key}`);
  };

async function list(store: ApplicationStore, print: Print): Promise<void> {
  const all = await listApplications(store);
  if (all.length === 0) print('There are no applications.');
  for (const item of all) {
    print([item.applicationId, item.status, item.kind, item.name, item.scopes.join(',')].join('  '));
    for (const { id, createdAt, expiresAt, lastUsedAt } of await listKeys(store, item)) {
      const times = { created: createdAt, expires: expiresAt, 'last used': lastUsedAt };
      const told = Object.entries(times).flatMap(([what, at]) => (at === null ? [] : [`${what} ${at}`]));
      print(`  ${[id, ...told].join('  ')}`);
    }
  }
}

const addKey =
  (id: string, days: number | undefined): Work =>
  async (store, print) => {
    const { kind } = await find(store, id);
    if (kind === 'mobile' || kind === 'web')
      throw new Error(`A ${kind} application has no keys: it sends its Client-Id.`);
    const made = await createKey(store, id, endOf(store, days));
    print(`${made.id} is shown this once: ${made.key}`);
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

/** Held to the same rules as what comes over HTTP. */
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
  throw new BadUse(`--${option}: ${issue!.message}.`);
}

function daysOf(days: string | undefined): number | undefined {
  if (days !== undefined && !/^[1-9]\d{0,4}$/.test(days)) throw new BadUse('--days is a whole number from 1 to 99999.');
  return days === undefined ? undefined : Number(days);
}

const endOf = ({ clock }: ApplicationStore, days: number | undefined) =>
  days === undefined ? undefined : clock.now() + days * 24 * 3600 * 1000;

function checkId(id: string, kind: 'application' | 'appKey'): string {
  if (idPattern(kind).test(id)) return id;
  throw new BadUse(
    id.startsWith('cfk_')
      ? 'Name a key by its id (key_…), as "list" shows it, not by the key itself.'
      : `"${id}" is not the id of ${kind === 'application' ? 'an application (app_…)' : 'a key (key_…)'}.`,
  );
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Problem) return error.message;
  const cause = error.cause instanceof Error ? error.cause : error;
  if (cause.name === 'ResourceNotFoundException') {
    return `DynamoDB has no such table here; name them with --table and --keys-table or ${tableVariable('applications')} and ${tableVariable('appKeys')} (outputs ApplicationsTable and AppKeysTable of the data stack).`;
  }
  return error instanceof DependencyUnavailable
    ? `DynamoDB cannot be asked: ${cause.message || cause.name}`
    : error.message;
}

if (import.meta.main) {
  process.exitCode = await runApps(
    process.argv.slice(2),
    ({ table = process.env[tableVariable('applications')], keysTable = process.env[tableVariable('appKeys')] }) => {
      if (table === undefined || keysTable === undefined) {
        throw new BadUse(
          `Name the tables with --table and --keys-table, or ${tableVariable('applications')} and ${tableVariable('appKeys')}.`,
        );
      }
      return { client: DynamoDBDocumentClient.from(new DynamoDBClient({})), table, keysTable, clock: systemClock };
    },
    { out: console.log, err: console.error },
  );
}
