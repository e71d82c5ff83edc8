import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { removePostgresData } from '../../infra/local/postgres/start.ts';
import { startChoreography } from './start.ts';

const usage = `npm run example:choreography -- [--order paid|declined|sold-out] [--lose ROOM:EVENT]

Places one order and prints each event as a room gets it.

  --order   how the order goes; paid by default
  --lose    one delivery that gets lost, for example orders:payment.captured
`;

const orders = {
  paid: { units: 5, paymentMethod: 'pm_card_visa' },
  declined: { units: 5, paymentMethod: 'pm_card_chargeDeclined' },
  'sold-out': { units: 0, paymentMethod: 'pm_card_visa' },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { order: { type: 'string', default: 'paid' }, lose: { type: 'string' } },
  });
  const chosen = orders[values.order as keyof typeof orders];
  if (chosen === undefined) throw new Error(usage);
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-choreography-'));
  let [begun, losing] = [0, true];
  const shop = await startChoreography({
    directory,
    async deliver({ room, type }, next) {
      const lost = losing && values.lose === `${room}:${type}`;
      const at = `${Math.round(performance.now() - begun)} ms`.padStart(8);
      console.log(`${at}  ${type.padEnd(17)} → ${room}${lost ? ', and is lost' : ''}`);
      if (!lost) await next();
    },
  });
  try {
    const { units, paymentMethod } = chosen;
    const productId = await shop.newProduct(units);
    begun = performance.now();
    const orderId = await shop.place({
      productId,
      quantity: 1,
      paymentMethod,
      total: { amount: 1900, currency: 'EUR' },
    });
    const ended = async (seconds: number) => {
      for (let n = 0; n < seconds * 50 && (await shop.status(orderId)) === 'pending'; n++) await sleep(20);
      await shop.bus.idle();
      return await shop.status(orderId);
    };
    console.log(`The order is ${await ended(3)}.`);
    const [stuck] = await shop.findStuck(2);
    if (stuck === undefined) return;
    console.log('Nothing has failed, and nothing goes on. A search for old orders finds it:', stuck);
    losing = false;
    console.log(`Its ${await shop.republish(orderId)} events are sent again.`);
    await sleep(100);
    console.log(`The order is ${await ended(3)}.`);
  } finally {
    await shop.stop();
    await removePostgresData(join(directory, 'postgres'));
    await rm(directory, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
