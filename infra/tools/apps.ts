import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type AppKeyStore, createAppKey, listAppKeys, revokeAppKey } from '../../lib/apps/app-keys.dynamo.ts';
import { scopes as knownScopes, type Scope } from '../../lib/contract/roles.ts';
import { systemClock, toTimestamp } from '../../lib/kernel/clock.ts';
import { PartUnavailable } from '../../lib/kernel/errors.ts';
import { idPattern } from '../../lib/kernel/ids.ts';
import { tableVariables } from '../tables.ts';

export const usage = `npm run apps -- create --name NAME --scopes SCOPE,… [--days N]   make an app key, for ever or N days
npm run apps -- list                                               every key, without its secret
npm run apps -- revoke KEYID                                       take a key out of use at once

Scopes: ${knownScopes.join(', ')}.
The table is the one that --table or ${tableVariables.appKeys} names, in AWS_REGION with your AWS credentials;
AWS_ENDPOINT_URL_DYNAMODB points it at another DynamoDB.`;

/** What was asked for cannot be done, in one sentence. */
class BadUse extends Error {
  override readonly name = 'BadUse';
}

/** Runs one command line. Answers the exit code: 0 done, 1 failed, 2 not understood. */
export async function runApps(
  args: string[],
  storeOf: (table: string | undefined) => AppKeyStore,
  print: { out(line: string): void; err(line: string): void },
): Promise<number> {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        scopes: { type: 'string' },
        days: { type: 'string' },
        table: { type: 'string' },
      },
    });
    const [command, ...rest] = positionals;
    if (command === 'create' && rest.length === 0) {
      const wanted = { name: nameOf(values.name), scopes: scopesOf(values.scopes), days: daysOf(values.days) };
      return await create(storeOf(values.table), wanted, print.out);
    }
    if (command === 'list' && rest.length === 0) return await list(storeOf(values.table), print.out);
    if (command === 'revoke' && rest.length === 1) {
      return await revoke(storeOf(values.table), keyIdOf(rest[0]!), print.out);
    }
    throw new BadUse(command === undefined ? 'Say what to do.' : `There is no command "${positionals.join(' ')}".`);
  } catch (error) {
    const misused = error instanceof BadUse || (error instanceof TypeError && 'code' in error);
    print.err(misused ? `${error.message}\n\n${usage}` : describe(error));
    return misused ? 2 : 1;
  }
}

type Print = (line: string) => void;

async function create(
  store: AppKeyStore,
  { name, scopes, days }: { name: string; scopes: Scope[]; days: number | undefined },
  print: Print,
) {
  const until = days === undefined ? {} : { expiresAt: store.clock.now() + days * 24 * 3600 * 1000 };
  const { keyId, key } = await createAppKey(store, { name, scopes, ...until });
  print(`${keyId}  ${name}  ${scopes.join(',')}`);
  print(`Its key is shown this once: ${key}`);
  return 0;
}

async function list(store: AppKeyStore, print: Print) {
  const keys = await listAppKeys(store);
  if (keys.length === 0) print('There are no app keys.');
  for (const { keyId, name, scopes, createdAt, expiresAt, revokedAt, lastUsedAt } of keys) {
    const times = { created: createdAt, expires: expiresAt, revoked: revokedAt, 'last used': lastUsedAt };
    const told = Object.entries(times).flatMap(([what, at]) =>
      at === undefined ? [] : [`${what} ${toTimestamp(at)}`],
    );
    print([keyId, name, scopes.join(','), ...told].join('  '));
  }
  return 0;
}

async function revoke(store: AppKeyStore, keyId: string, print: Print) {
  if (!(await revokeAppKey(store, keyId))) throw new Error(`There is no app key ${keyId}.`);
  print(`${keyId} is revoked.`);
  return 0;
}

function nameOf(name = ''): string {
  if (!/^[^\p{Cc}]{1,100}$/u.test(name.trim())) throw new BadUse('Give the key a --name of 1 to 100 characters.');
  return name.trim();
}

function scopesOf(list = ''): Scope[] {
  const wanted = list.split(',').map((scope) => scope.trim());
  const unknown = wanted.filter((scope) => !knownScopes.includes(scope as Scope));
  if (list === '') throw new BadUse('Say with --scopes what the key may do.');
  if (unknown.length > 0) throw new BadUse(`There is no scope "${unknown.join('", "')}".`);
  return [...new Set(wanted as Scope[])];
}

function daysOf(days: string | undefined): number | undefined {
  if (days !== undefined && !/^[1-9]\d{0,4}$/.test(days)) throw new BadUse('--days is a whole number from 1 to 99999.');
  return days === undefined ? undefined : Number(days);
}

function keyIdOf(keyId: string): string {
  if (idPattern('appKey').test(keyId)) return keyId;
  throw new BadUse(
    keyId.startsWith('cfk_')
      ? 'Revoke a key by its id (key_…), as "list" shows it, not by the key itself.'
      : `"${keyId}" is not a key's id (key_…).`,
  );
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : error;
  if (cause.name === 'ResourceNotFoundException') {
    return `DynamoDB has no such table here; name it with --table or ${tableVariables.appKeys} (output AppKeysTable of the data stack).`;
  }
  return error instanceof PartUnavailable ? `DynamoDB cannot be asked: ${cause.message || cause.name}` : error.message;
}

if (import.meta.main) {
  process.exitCode = await runApps(
    process.argv.slice(2),
    (table = process.env[tableVariables.appKeys]) => {
      if (table === undefined) throw new BadUse(`Name the table with --table or ${tableVariables.appKeys}.`);
      return { client: DynamoDBDocumentClient.from(new DynamoDBClient({})), table, clock: systemClock };
    },
    { out: console.log, err: console.error },
  );
}
