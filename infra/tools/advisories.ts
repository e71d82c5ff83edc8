import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const help = `npm run advisories -- --database FILE [--sha256 HEX] [--scanner FILE]

  --database FILE  the advisories of OSV for npm (all.zip), as somebody brought them here
  --sha256 HEX     the digest that the file must have
  --scanner FILE   OSV-Scanner (osv-scanner): go install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.2.4

Looks for known advisories of what is deployed, and asks nobody: for networks whose registry has none. Elsewhere npm audit does.
Ends with 1 when there is one. See docs/proof.md.`;

type Print = (line: string) => void;
export type Options = { database: string; sha256: string | undefined; scanner: string };

/** Runs one command line. @returns the exit code: 0 no advisory, 1 some, 2 invalid command line or a database that is not the one, 3 no answer of the scanner */
export async function runAdvisories(args: string[], print: Print): Promise<number> {
  const given = read(args);
  if (typeof given === 'string') {
    print(given);
    return given === help ? 0 : 2;
  }
  const wrong = await whyNot(given);
  if (wrong !== undefined) {
    print(wrong);
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-advisories-'));
  try {
    return await scan(given, folder, print);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function read(args: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        database: { type: 'string' },
        sha256: { type: 'string' },
        scanner: { type: 'string', default: 'osv-scanner' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return help;
    if (values.database === undefined) return `--database is missing.\n\n${help}`;
    return { database: values.database, sha256: values.sha256?.toLowerCase(), scanner: values.scanner };
  } catch (error) {
    return `${(error as Error).message}\n\n${help}`;
  }
}

/** Why a database is not taken. A scanner finds nothing in one that is empty. */
async function whyNot({ database, sha256 }: Options): Promise<string | undefined> {
  const content = await readFile(database).catch(() => undefined);
  if (content === undefined) return `${database} cannot be read.`;
  if (content.subarray(0, 4).toString('latin1') !== 'PK\u0003\u0004')
    return `${database} is no zip file with advisories in it.`;
  const digest = createHash('sha256').update(content).digest('hex');
  return sha256 === undefined || sha256 === digest ? undefined : `${database} has the digest ${digest}, not ${sha256}.`;
}

/** The scanner's own exit codes are 1 for advisories, and 127 or more when it could not look. */
async function scan({ database, scanner }: Options, folder: string, print: Print): Promise<number> {
  const deployed = join(folder, 'deployed.cdx.json');
  await writeFile(deployed, await billOfMaterials());
  const place = join(folder, 'osv-scanner', 'npm');
  await mkdir(place, { recursive: true });
  await copyFile(database, join(place, 'all.zip'));
  const child = spawn(
    scanner.includes('/') ? resolve(scanner) : scanner,
    ['scan', 'source', '--offline', '-L', deployed],
    {
      stdio: 'inherit',
      env: { ...process.env, OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY: folder },
    },
  );
  const ended = await once(child, 'exit').catch((error: Error) => error);
  if (ended instanceof Error) {
    print(`${scanner} cannot be run: ${ended.message}\n\n${help}`);
    return 2;
  }
  const [code] = ended as [number | null];
  return code === 0 || code === 1 ? code : 3;
}

/** Of what is deployed, in CycloneDX. */
async function billOfMaterials(): Promise<string> {
  const { stdout } = await promisify(execFile)('npm', ['run', 'sbom', '--silent'], {
    cwd: new URL('../..', import.meta.url),
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

if (import.meta.main) process.exitCode = await runAdvisories(process.argv.slice(2), console.log);
