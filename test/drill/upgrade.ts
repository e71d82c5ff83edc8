import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportData } from '../../infra/data/export.ts';
import { importData } from '../../infra/data/import.ts';
import type { Manifest } from '../../infra/data/manifest.ts';
import { clusterFolders } from '../../infra/local/postgres/primary.ts';
import { startPostgres } from '../../infra/local/postgres/start.ts';
import { migrate, shippedMigrations } from '../../lib/database/migrate.ts';
import { brokenInvariants } from '../support/provider-transactions.ts';
import { startCustomers } from './customers.ts';
import { choosePrograms } from './postgres-versions.ts';
import type { Report } from './restore.ts';
import { asUser, openWorld, seconds, socketDirOf, untilEnded, type World, worldIn } from './world.ts';

export { UpgradeRefused } from './postgres-versions.ts';

/**
 * Moves a shop to another version of PostgreSQL as its page says: customers order on the old version, the shop stops, an export
 * becomes an import, and the shop starts on the new version with the same DynamoDB tables. Then the end-to-end suite runs on it.
 * @param loadSeconds how long customers order before
 * @throws UpgradeRefused when the registry has no such versions
 */
export async function drillUpgrade(
  loadSeconds: number,
  say: (line: string) => void,
  versions: { from?: string | undefined; to?: string | undefined },
): Promise<Report> {
  const scratch = await mkdtemp(join(tmpdir(), 'counterfoil-upgrade-'));
  let before: World | undefined;
  let after: World | undefined;
  try {
    const programs = await choosePrograms(join(scratch, 'programs'), versions);
    before = await openWorld({ programs: programs.from.folder });
    const customers = await startCustomers(before.shop, 6);
    await sleep(loadSeconds * 1000);
    await customers.stop();
    await untilEnded(before);
    const old = await describe(before);
    say(`${customers.told.length} orders were answered on PostgreSQL ${old.version}`);

    const startedAt = performance.now();
    const { stack } = before;
    await stack.stopSchedule();
    const manifest = await exportAll(before, join(scratch, 'export'));
    const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
    const exportMs = performance.now() - startedAt;
    await stack.stop();
    await moveFiles(before.directory, join(scratch, 'world/stack'));
    const importMs = await importAll(join(scratch, 'export'), join(scratch, 'world/stack'), programs.to.folder);
    after = await worldIn(join(scratch, 'world'), { programs: programs.to.folder });
    const again = await startCustomers(after.shop, 1);
    await again.nextConfirmed();
    const awayMs = performance.now() - startedAt;
    await again.stop();
    const moved = await describe(after);
    say(
      `PostgreSQL ${moved.version} has ${rows} rows after ${seconds(exportMs)} of export and ${seconds(importMs)} of import`,
    );
    say(`${seconds(awayMs)} from the last order on the old version to the next one, confirmed on the new one`);

    const faults = [...customers.unexpected, ...again.unexpected];
    if (moved.version === old.version) faults.push(`both stacks ran PostgreSQL ${old.version}`);
    const lost = customers.told.filter(({ id }) => !moved.orders.has(id)).length;
    if (lost > 0) faults.push(`${lost} orders that customers know are not in the new database`);
    await untilEnded(after);
    faults.push(...(await endOf(after)));
    say('running the end-to-end suite on it');
    if (!(await passes(join(after.directory, 'demo.json')))) faults.push('the end-to-end suite failed');
    return {
      figures: { rows, exportSeconds: exportMs / 1000, importSeconds: importMs / 1000, awaySeconds: awayMs / 1000 },
      faults,
    };
  } finally {
    await before?.close();
    await after?.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

const describe = async (world: World) =>
  asUser(await socketDirOf(world), 'rdsadmin', async (sql) => {
    const [row] = await sql`select current_setting('server_version') as version`;
    const orders = await sql`select id from orders.orders`;
    return { version: row!.version as string, orders: new Set(orders.map(({ id }) => id as string)) };
  });

const exportAll = async (world: World, folder: string): Promise<Manifest> =>
  asUser(await socketDirOf(world), 'migrator', (sql) => exportData({ sql, folder, now: new Date() }));

/** Everything of a stack but PostgreSQL. */
async function moveFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const ofPostgres: string[] = [...clusterFolders, 'primary'];
  for (const name of await readdir(from))
    if (!ofPostgres.includes(name)) await cp(join(from, name), join(to, name), { recursive: true });
}

/** @returns how long the import took, in milliseconds */
async function importAll(folder: string, directory: string, programs: string): Promise<number> {
  const server = await startPostgres({ dataDir: join(directory, clusterFolders[0]), programs });
  try {
    return await asUser(server.socketDir, 'migrator', async (sql) => {
      await migrate({ sql, directory: shippedMigrations, log: () => {} });
      const startedAt = performance.now();
      await importData({ sql, folder });
      return performance.now() - startedAt;
    });
  } finally {
    await server.stop();
  }
}

const endOf = async (world: World): Promise<string[]> => {
  const charges = await world.charges();
  return asUser(await socketDirOf(world), 'rdsadmin', (sql) => brokenInvariants(sql, charges));
};

async function passes(demoFile: string): Promise<boolean> {
  const suite = resolve(import.meta.dirname, '../e2e/run.ts');
  const child = spawn(process.execPath, [suite, '--demo', demoFile, '--short'], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}
