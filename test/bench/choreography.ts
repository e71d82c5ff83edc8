import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as orders from '../../examples/choreography/orders.ts';
import * as payments from '../../examples/choreography/payments.ts';
import { openRooms, startChoreography } from '../../examples/choreography/start.ts';
import * as stock from '../../examples/choreography/stock.ts';
import { removePostgresData } from '../../infra/local/postgres/start.ts';
import { startStates } from '../../infra/local/states/start.ts';
import { median } from './numbers.ts';

/** The time from an order's placement to its confirmation by the same rooms, led by events and by a state machine. */
export type ChoreographyFigures = {
  /** Orders under way at the same time. */
  atOnce: number;
  choreographyMs: number;
  orchestrationMs: number;
  /** Of the choreography to the orchestration: the middle of the turns' own ratios. */
  ratio: number;
};

export type ChoreographyOptions = { atOnce: number[]; turns: number; say: (line: string) => void };

type Side = { place: () => Promise<void>; stop: () => Promise<void> };

/** Turn by turn, on the stand-ins for EventBridge and Step Functions, each side with a PostgreSQL of its own. */
export async function measureChoreography({ atOnce, turns, say }: ChoreographyOptions): Promise<ChoreographyFigures[]> {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
  const sides: Side[] = [];
  try {
    sides.push(await openChoreography(join(directory, 'choreography')));
    sides.push(await openOrchestration(join(directory, 'orchestration')));
    const figures: ChoreographyFigures[] = [];
    for (const many of atOnce) {
      say(`${many} orders at once`);
      const times: [number, number][] = [];
      for (let turn = -3; turn < turns; turn++) {
        const time = [await timed(sides[0]!, many), await timed(sides[1]!, many)] as [number, number];
        if (turn >= 0) times.push(time);
      }
      figures.push({
        atOnce: many,
        choreographyMs: median(times.map(([ours]) => ours)),
        orchestrationMs: median(times.map(([, theirs]) => theirs)),
        ratio: median(times.map(([ours, theirs]) => ours / theirs)),
      });
    }
    return figures;
  } finally {
    for (const { stop } of sides) await stop();
    for (const side of ['choreography', 'orchestration']) await removePostgresData(join(directory, side, 'postgres'));
    await rm(directory, { recursive: true, force: true });
  }
}

/** The middle of the orders' times, in milliseconds. */
async function timed({ place }: Side, many: number): Promise<number> {
  const one = async () => {
    const begun = performance.now();
    await place();
    return performance.now() - begun;
  };
  return median(await Promise.all(Array.from({ length: many }, one)));
}

const total = { amount: 1900, currency: 'EUR' };
const paymentMethod = 'pm_card_visa';

async function openChoreography(directory: string): Promise<Side> {
  const confirmed = new Map<string, PromiseWithResolvers<void>>();
  const waiting = (orderId: string) => {
    const known = confirmed.get(orderId) ?? Promise.withResolvers<void>();
    confirmed.set(orderId, known);
    return known;
  };
  const shop = await startChoreography({
    directory,
    async deliver({ room, orderId }, next) {
      const result = (await next()) as { ended?: boolean };
      if (room === 'orders' && result.ended) waiting(orderId).resolve();
    },
  });
  const productId = await shop.newProduct(1_000_000);
  return {
    async place() {
      const orderId = await shop.place({ productId, quantity: 1, total, paymentMethod });
      await waiting(orderId).promise;
      confirmed.delete(orderId);
    },
    stop: shop.stop,
  };
}

const arn = 'arn:aws:states:eu-west-1:000000000000:stateMachine:bench';
const task = (Resource: string, next: object) => ({ Type: 'Task', Resource, ...next });
const definition = {
  StartAt: 'ReserveStock',
  States: {
    ReserveStock: task('ReserveStock', { Next: 'ChargePayment' }),
    ChargePayment: task('ChargePayment', { Next: 'ConfirmOrder' }),
    ConfirmOrder: task('ConfirmOrder', { End: true }),
  },
};

type Placed = Parameters<typeof payments.run>[0]['data'] & { orderId: string };

/** The same functions of the rooms, one after the other: reserve, charge, and then tell the orders of both. */
async function openOrchestration(directory: string): Promise<Side> {
  const { deps, newProduct, stop } = await openRooms(directory);
  const productId = await newProduct(1_000_000);
  const confirmed = new Map<string, () => void>();
  const event = (type: string, data: object) => ({ type, data }) as never;
  const steps: Record<string, (order: Placed) => Promise<void>> = {
    async ReserveStock(order) {
      await stock.run(event('order.placed', order), deps.stock);
    },
    async ChargePayment(order) {
      await payments.run(event('order.placed', order), deps.payments);
    },
    async ConfirmOrder(order) {
      await orders.run(event('stock.reserved', order), deps.orders);
      const { ended } = await orders.run(event('payment.captured', order), deps.orders);
      if (!ended) throw new Error('the order is not confirmed');
      confirmed.get(order.orderId)!();
    },
  };
  const states = await startStates({
    machines: [{ stateMachineArn: arn, definition, file: join(directory, 'states.sqlite') }],
    invoke: async (step, order) => {
      await steps[step]!(order as Placed);
      return order;
    },
  });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SFNClient({ region: 'eu-west-1', endpoint: states.endpoint, credentials });
  return {
    async place() {
      const order = { productId, quantity: 1, total, paymentMethod };
      const orderId = await orders.place(deps.orders, order);
      const done = new Promise<void>((resolve) => confirmed.set(orderId, resolve));
      const input = JSON.stringify({ ...order, orderId });
      await client.send(new StartExecutionCommand({ stateMachineArn: arn, name: orderId, input }));
      await done;
      confirmed.delete(orderId);
    },
    async stop() {
      client.destroy();
      await states.stop();
      await stop();
    },
  };
}
