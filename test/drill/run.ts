import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { drillFailover } from './failover.ts';
import { drillReleases } from './releases.ts';
import { drillRestore, type Report } from './restore.ts';
import { drillUpgrade, UpgradeRefused } from './upgrade.ts';

const usage = `npm run drill -- restore|failover|upgrade|releases [--short] [--from VERSION] [--to VERSION]
  [--previous REF]

  restore    back up while orders run, restore a point into a copy, lose the data folder, restore it; prints RPO and RTO
  failover   kill the primary under load twice; prints the time until the next order, and what customers saw
  upgrade    move a shop to another version of PostgreSQL by export and import, and run the end-to-end suite on it; the
             programs come from the npm registry
  releases   run the previous release on this schema and this one on that schema, while customers order; a planted
             migration that breaks the running release must be caught
  --short    the form of CI, in less than a minute each; upgrade takes longer, because of the suite
  --from     a version of PostgreSQL, such as 18.3; by default the newest before --to
  --to       by default the installed one
  --previous a tag or a commit, instead of the tag of the last release

Each has a stack of its own in a temporary folder. The last result of each is in .local/drills.json. Ends with 1 when
something did not hold.`;

type Versions = { from?: string | undefined; to?: string | undefined; previous?: string | undefined };
type Run = (loadSeconds: number, say: (line: string) => void, versions: Versions) => Promise<Report>;

const drills: Record<string, { run: Run; long: number; short: number }> = {
  restore: { run: drillRestore, long: 30, short: 6 },
  failover: { run: drillFailover, long: 15, short: 3 },
  upgrade: { run: drillUpgrade, long: 30, short: 5 },
  releases: { run: drillReleases, long: 15, short: 3 },
};

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      previous: { type: 'string' },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [name = ''] = positionals;
  const drill = drills[name];
  if (values.help || drill === undefined || positionals.length !== 1) {
    console.error(usage);
    return values.help ? 0 : 2;
  }
  const startedAt = new Date();
  const report = await drill.run(values.short ? drill.short : drill.long, (line) => console.log(`· ${line}`), values);
  await keep(name, startedAt, report);
  for (const fault of report.faults) console.error(`✗ ${fault}`);
  console.log(report.faults.length === 0 ? 'Everything held.' : `${report.faults.length} faults.`);
  return report.faults.length === 0 ? 0 : 1;
}

/** The last result of each drill, for whoever asks when it was last known to work. */
async function keep(name: string, at: Date, { figures, faults }: Report): Promise<void> {
  const directory = resolve(import.meta.dirname, '../../.local');
  const file = join(directory, 'drills.json');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const before = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as object;
  const all = { ...before, [name]: { at: at.toISOString(), ok: faults.length === 0, ...figures } };
  await writeFile(`${file}.draft`, `${JSON.stringify(all, null, 2)}\n`);
  await rename(`${file}.draft`, file);
}

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof UpgradeRefused)) throw error;
  console.error(error.message);
  return 2;
});
