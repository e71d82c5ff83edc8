import { setTimeout as sleep } from 'node:timers/promises';
import { brokenInvariants } from '../support/provider-transactions.ts';
import { startCustomers } from './customers.ts';
import type { Report } from './restore.ts';
import { asUser, openWorld, seconds, socketDirOf, untilEnded } from './world.ts';

/**
 * Kills the primary while customers order, lets the standby take over, and holds the outcome against what customers were
 * told. Then the same again, with the old primary, which was cloned anew, as the standby.
 * @param loadSeconds how long customers order before and after each kill
 */
export async function drillFailover(loadSeconds: number, say: (line: string) => void): Promise<Report> {
  const world = await openWorld({ standby: true });
  const { stack, shop } = world;
  const customers = await startCustomers(shop, 6);
  const faults: string[] = [];
  const gaps: number[] = [];
  try {
    for (const round of [1, 2]) {
      await stack.standbyReady();
      await sleep(loadSeconds * 1000);
      const socketBefore = await stack.socketPath();
      const killedAt = Date.now();
      process.kill(await stack.postgresPid(), 'SIGKILL');
      const confirmedAt = await customers.nextConfirmed();
      gaps.push(confirmedAt - killedAt);
      if ((await stack.socketPath()) === socketBefore)
        faults.push('the killed primary came back, and no standby took over');
      say(`failover ${round}: the next order was confirmed ${seconds(confirmedAt - killedAt)} after the kill`);
    }
    await sleep(loadSeconds * 500);
    await customers.stop();
    await untilEnded(world);
    const found = await asUser(await socketDirOf(world), 'rdsadmin', async (sql) => {
      const rows = await sql`select id, status from orders.orders`;
      return new Map(rows.map(({ id, status }) => [id as string, status as string]));
    });
    const told = customers.told;
    const confirmed = told.filter(({ status }) => status === 'confirmed');
    const gone = told.filter(({ id }) => !found.has(id));
    const changed = confirmed.filter(({ id }) => found.get(id) !== 'confirmed' && found.has(id));
    faults.push(
      ...gone.map(({ id }) => `${id}, of which a customer was told, is gone`),
      ...changed.map(({ id }) => `${id}, which was confirmed, is ${found.get(id)}`),
      ...customers.unexpected,
    );
    const charges = await world.charges();
    faults.push(...(await asUser(await socketDirOf(world), 'rdsadmin', (sql) => brokenInvariants(sql, charges))));
    const refusals = [...customers.refusals].map(([kind, count]) => `${count} × ${kind}`).join(', ');
    say(`${confirmed.length} orders were confirmed, and ${gone.length} of ${told.length} orders are lost`);
    say(`customers asked again after: ${refusals || 'nothing'}`);
    return {
      figures: { secondsToFirstOrder: Math.max(...gaps) / 1000, confirmed: confirmed.length, lost: gone.length },
      faults,
    };
  } finally {
    await customers.stop();
    await world.close();
  }
}
