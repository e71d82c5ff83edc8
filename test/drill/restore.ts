import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRepository, type Repository } from '../../infra/local/backup/repository.ts';
import { restore } from '../../infra/local/backup/restore.ts';
import { makeKeyFile } from '../../infra/local/backup/seal.ts';
import { takeBackup } from '../../infra/local/backup/take.ts';
import { findPlace } from '../../infra/local/postgres/place.ts';
import { endProcess } from '../../infra/local/postgres/processes.ts';
import { removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { checkCopy, whyUnsound } from '../../lib/operations/monitoring/check-copy.ts';
import { brokenInvariants, type ProviderCharge } from '../support/provider-transactions.ts';
import { type Customers, startCustomers, type Told } from './customers.ts';
import { asUser, openWorld, seconds, socketDirOf, untilEnded, type World } from './world.ts';

export type Report = { figures: Record<string, number>; faults: string[] };

/** How often WAL is archived during the drill, in seconds. By default it is a minute; the loss is bounded by it. */
const archiveSeconds = 2;

/**
 * Takes a backup while customers order, restores a point in time into a copy and checks it; then loses the data folder, kills
 * the stack, restores the newest point, and lets the customers go on.
 * @param loadSeconds how long customers order before and after the backup
 */
export async function drillRestore(loadSeconds: number, say: (line: string) => void): Promise<Report> {
  const world = await openWorld();
  const scratch = await mkdtemp(join(tmpdir(), 'counterfoil-restored-'));
  const keyFile = join(scratch, 'key');
  const faults: string[] = [];
  let customers: Customers | undefined;
  try {
    await makeKeyFile(keyFile);
    const repository = await openRepository(join(scratch, 'backups'), { keyFile, make: true });
    customers = await startCustomers(world.shop, 6);
    await sleep(loadSeconds * 500);
    const backupMs = await backUp(world, repository);
    say(`backup taken in ${seconds(backupMs)} while ${customers.told.length} orders were answered`);
    await sleep(loadSeconds * 500);
    const point = new Date();
    await sleep((archiveSeconds + 3) * 1000);

    const copy = await checkPoint(repository, point, join(scratch, 'copy'), customers.told);
    faults.push(...copy.faults);
    say(
      `restored ${point.toISOString()} into a copy: ${copy.orders} orders, ${copy.open} under way, ${copy.products} products`,
    );

    const lost = await loseAndRestore(world, repository, customers);
    say(`RPO ${seconds(lost.rpoMs)}: ${lost.orders} orders that were confirmed in it are gone`);
    say(
      `RTO ${seconds(lost.rtoMs)} until the next order is confirmed, of which the restore took ${seconds(lost.restoreMs)}`,
    );
    await sleep(loadSeconds * 250);
    await customers.stop();
    const endMs = await untilEnded(world);
    say(`every order has ended, ${seconds(endMs)} after the last request`);
    const end = await checkEnd(world);
    faults.push(...end.faults, ...customers.unexpected);
    const refusals = [...customers.refusals].map(([kind, count]) => `${count} × ${kind}`).join(', ');
    say(`customers asked again after: ${refusals || 'nothing'}`);
    say(
      `the provider kept ${end.orphans} charges of orders that are gone: ${end.refunded} were given back, ${end.left} are findings`,
    );
    return {
      figures: {
        rpoSeconds: lost.rpoMs / 1000,
        rtoSeconds: lost.rtoMs / 1000,
        restoreSeconds: lost.restoreMs / 1000,
        backupSeconds: backupMs / 1000,
        ordersLost: lost.orders,
        orders: end.orders,
      },
      faults,
    };
  } finally {
    await customers?.stop();
    await world.close();
    await removePostgresData(join(scratch, 'copy'));
    await rm(scratch, { recursive: true, force: true });
  }
}

async function backUp(world: World, repository: Repository): Promise<number> {
  const startedAt = performance.now();
  const host = await socketDirOf(world);
  const place = await findPlace(join(world.directory, 'postgres'));
  await takeBackup(repository, { connection: { host, user: 'rdsadmin', database: 'postgres' }, place });
  await asUser(host, 'rdsadmin', async (sql) => {
    await sql.unsafe(`alter system set archive_timeout = '${archiveSeconds}s'`);
    await sql`select pg_reload_conf()`;
  });
  return performance.now() - startedAt;
}

/** Restores a point, and holds it against what customers had been told until then. */
async function checkPoint(repository: Repository, point: Date, into: string, told: readonly Told[]) {
  await restore({ repository, target: { to: point }, into });
  const server = await startPostgres({ dataDir: into });
  try {
    const report = await asUser(server.socketDir, 'monitor', (sql) => checkCopy({ sql, stopwatch, limitMs: 60_000 }));
    const unsound = whyUnsound(report);
    const faults = await asUser(server.socketDir, 'rdsadmin', async (sql) => {
      const rows = await sql`
        select id, status, created_at,
          subtotal = (select sum(total)::bigint from orders.lines l where l.order_id = o.id) as adds_up
        from orders.orders o`;
      const found = new Map(rows.map((row) => [row.id as string, row]));
      const before = told.filter(({ answeredAt }) => answeredAt < point.getTime());
      return [
        ...before
          .filter(({ id }) => !found.has(id))
          .map(({ id }) => `${id}, answered before the point, is not in the copy`),
        ...before
          .filter(({ id, status }) => status === 'confirmed' && found.has(id) && found.get(id)!.status !== 'confirmed')
          .map(({ id }) => `${id}, confirmed before the point, is ${found.get(id)!.status} in the copy`),
        ...rows.filter((row) => !row.addsUp).map((row) => `the lines of ${row.id} do not add up in the copy`),
        ...rows
          .filter((row) => row.createdAt > point)
          .map((row) => `${row.id}, placed after the point, is in the copy`),
      ];
    });
    if (unsound !== undefined) faults.push(`the copy is not sound: ${unsound}`);
    return { ...report, faults };
  } finally {
    await server.stop();
  }
}

/** Kills everything, deletes the data folder, and restores what is archived into its place. */
async function loseAndRestore(world: World, repository: Repository, customers: Customers) {
  const dataDir = join(world.directory, 'postgres');
  const pid = await world.stack.postgresPid();
  const lostAt = Date.now();
  await world.stack.kill();
  await endProcess(pid, [['SIGKILL', 5000]]);
  await removePostgresData(dataDir);
  const startedAt = performance.now();
  const { lastCommitAt, backup } = await restore({ repository, target: {}, into: dataDir });
  const restoreMs = performance.now() - startedAt;
  await world.stack.restart();
  const confirmedAt = await customers.nextConfirmed();
  const kept = await asUser(await socketDirOf(world), 'rdsadmin', async (sql) => {
    const rows = await sql`select id from orders.orders`;
    return new Set(rows.map(({ id }) => id as string));
  });
  const confirmed = customers.told.filter(({ status, answeredAt }) => status === 'confirmed' && answeredAt <= lostAt);
  return {
    rpoMs: lostAt - (lastCommitAt ?? new Date(backup.endedAt)).getTime(),
    rtoMs: confirmedAt - lostAt,
    restoreMs,
    orders: confirmed.filter(({ id }) => !kept.has(id)).length,
  };
}

/** What must hold in the end: all invariants, and no money of an order that is gone. */
async function checkEnd(world: World) {
  const host = await socketDirOf(world);
  const orders = await asUser(host, 'rdsadmin', async (sql) =>
    (await sql`select id from orders.orders`).map(({ id }) => id as string),
  );
  const known = new Set(orders);
  const orphansIn = async () =>
    (await world.charges()).filter(
      ({ orderId, status, amount, refundedAmount = 0 }) =>
        !known.has(orderId) && status === 'captured' && amount > refundedAmount,
    ).length;
  const orphans = await orphansIn();
  // One run makes a limited number of repairs, and each is a saga of its own.
  let left = orphans;
  for (const until = performance.now() + 30_000; left > 0 && performance.now() < until; left = await orphansIn()) {
    await world.stack.reconcile();
    await sleep(500);
  }
  // Where the saga of an order that is gone still tries, the charge is a finding, and given back when the saga has ended.
  const findings = await asUser(host, 'rdsadmin', async (sql) => {
    const rows = await sql`select subject from monitor.findings where kind = 'orphaned-charge' and cleared_at is null`;
    return new Set(rows.map(({ subject }) => subject as string));
  });
  const charges = ((await world.charges()) as (ProviderCharge & { reference: string })[]).filter(
    ({ orderId, reference }) => known.has(orderId) || !findings.has(reference),
  );
  const faults = await asUser(host, 'rdsadmin', (sql) => brokenInvariants(sql, charges));
  return { orders: orders.length, orphans, refunded: orphans - left, left, faults };
}
