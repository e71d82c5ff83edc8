import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Signer } from '@aws-sdk/rds-signer';
import postgres from 'postgres';
import { toCsv } from '../../lib/analytics/files/csv.ts';
import { type SlowStatement, slowStatements } from './slow-statements.ts';

/** Where a stage's reader is, for the tools that log in as analyst. */
export const stageOptions = {
  host: { type: 'string' },
  port: { type: 'string' },
  database: { type: 'string' },
  ca: { type: 'string' },
  secret: { type: 'string' },
  region: { type: 'string' },
} as const;

const stageUsage = `  --host HOST       the endpoint of a stage's proxy (the output DatabaseReader of its data stack), with your AWS credentials
  --region REGION   its region; AWS_REGION by default
and of a database of the shop also
  --port PORT       its databasePort; 5432 by default
  --database NAME   its databaseName; counterfoil by default
  --ca FILE         the authorities of Amazon RDS (global-bundle.pem), where there is no RDS Proxy
  --secret NAME     counterfoil/<stage>/database/analyst, where roles have passwords`;

const usage = `npm run analyst -- connect             print the psql line for the reader, with a token that is good for 15 minutes
npm run analyst -- query STATEMENT     run a statement on the reader and print its rows as CSV
npm run analyst -- slow                list the statements of the laptop that took long or were cut off, with their users

Everything is as the role analyst: the views of the schema reporting, and sessions that only read. It is the reader of npm start, or
${stageUsage}
See docs/analytics.md.`;

const local = resolve(import.meta.dirname, '../../.local');

/** Where the analyst logs in: by a token, or by the password of a secret. */
type Address = {
  host: string;
  port: number;
  database: string;
  region: string;
  caFile?: string | undefined;
  secret?: string | undefined;
};

/** What was said of a stage; nothing for the laptop. */
export type StageAsked = { [option in keyof typeof stageOptions]?: string | undefined };

async function main(args: string[]): Promise<number> {
  const asked = parse(args);
  if (asked === undefined) {
    console.error(usage);
    return 2;
  }
  try {
    if (asked.command === 'slow') {
      for (const statement of await readSlow(local)) console.log(lineOf(statement));
      return 0;
    }
    const address = addressOf(asked);
    if (asked.command === 'connect') console.log(await psqlLine(address));
    else process.stdout.write(await runQuery(address, asked.statement!));
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

/** The reader of a stage, or the laptop's. @throws Error saying what is wrong */
export function addressOf({ host, port = '5432', database = 'counterfoil', ca, secret, region }: StageAsked): Address {
  if (host === undefined) return laptop();
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw new Error(`--port ${port} is no port.`);
  return { host, port: Number(port), database, region: regionOf(region), caFile: ca, secret };
}

/** The laptop's reader and the credentials for it, as `npm start` writes them. */
function laptop(): Address {
  try {
    process.loadEnvFile(join(local, 'functions.env'));
  } catch {
    throw new Error('npm start has not run here yet. Start it, or name a stage by --host.');
  }
  const { DATABASE_READER_HOST: host, DATABASE_READER_PORT: port, DATABASE_CA_FILE: caFile } = process.env;
  if (host === undefined) throw new Error('npm start runs an older version, without a reader. Restart it.');
  return { host, port: Number(port), database: 'counterfoil', region: regionOf(undefined), caFile };
}

function regionOf(given: string | undefined): string {
  const region = given ?? process.env.AWS_REGION;
  if (region === undefined) throw new Error('Say --region, or set AWS_REGION.');
  return region;
}

/** A token that lets the analyst log in, signed with the credentials of the environment or of the AWS profile; or the password. */
async function passwordTo({ host, port, region, secret }: Address): Promise<string> {
  if (secret === undefined) return new Signer({ hostname: host, port, username: 'analyst', region }).getAuthToken();
  const client = new SecretsManagerClient({ region });
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secret }));
  if (SecretString === undefined) throw new Error(`The secret ${secret} has no text.`);
  return SecretString;
}

/** What to type for a session. psql 16 or newer knows the system's authorities, which have signed Amazon's proxy. */
export async function psqlLine(address: Address): Promise<string> {
  const { host, port, database, caFile = 'system' } = address;
  const where = `host=${host} port=${port} user=analyst dbname=${database} sslmode=verify-full sslrootcert=${caFile}`;
  return `PGPASSWORD='${await passwordTo(address)}' psql "${where}"`;
}

/** A connection to the reader as the analyst. The caller ends it. */
export async function connectAnalyst(address: Address): Promise<postgres.Sql> {
  const { host, port, database, caFile } = address;
  return postgres({
    host,
    port,
    database,
    username: 'analyst',
    password: await passwordTo(address),
    ssl: { rejectUnauthorized: true, servername: host, ...(caFile && { ca: await readFile(caFile) }) },
    max: 1,
    fetch_types: false,
    connect_timeout: 30,
    connection: { application_name: 'analyst' },
    onnotice: () => {},
  });
}

/** The rows of one statement as CSV. */
export async function runQuery(address: Address, statement: string): Promise<string> {
  const sql = await connectAnalyst(address);
  try {
    const rows = await sql.unsafe(statement);
    return toCsv(
      rows.columns.map(({ name }) => name),
      rows as unknown as Record<string, string>[],
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** The slow statements of a stack's servers, the oldest first. */
export async function readSlow(directory: string): Promise<SlowStatement[]> {
  const servers = ['postgres', 'postgres-2', 'postgres-reader'];
  const found = await Promise.all(
    servers.map(async (server) => {
      const text = await readFile(join(directory, server, 'server.log'), 'utf8').catch(() => '');
      return slowStatements(text).map((statement) => ({ ...statement, server }));
    }),
  );
  return found.flat().toSorted((a, b) => a.at.localeCompare(b.at));
}

const lineOf = ({ at, user, server, took, statement }: SlowStatement): string =>
  `${at}  ${user}  ${server ?? ''}  ${took}  ${statement}`;

function parse(args: string[]) {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: stageOptions,
    });
    const [command, statement, ...rest] = positionals;
    if (!['connect', 'query', 'slow'].includes(command ?? '') || rest.length > 0) return undefined;
    if ((command === 'query') !== (statement !== undefined)) return undefined;
    return { command, statement, ...values };
  } catch {
    return undefined;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
