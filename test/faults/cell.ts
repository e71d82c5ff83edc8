import type { StepName } from '../../functions/steps.ts';
import { brokenInvariants } from '../support/provider-transactions.ts';
import { readCharge, readEnd } from './end.ts';
import { type Delivery, type FaultName, faults, type Way, type Ways } from './faults.ts';
import { actOnPayment, deliverWith, doAfterwards, placeFor, settleAndTell } from './lead.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { sweepUntilEnded } from './sweep.ts';
import type { World } from './world.ts';

/** Which deliveries of the step are struck. `second`: the first is refused, so that there is one. */
export type When = 'first' | 'second' | 'every';

export type Cell = {
  /** How the orders ended, each end once. */
  ends: string[];
  /** What was wrong, in words, with the way of the fault in front. */
  wrongs: string[];
  /** Orders that were struck. */
  orders: string[];
};

/** Runs an order for each way in which a fault can strike a step, and looks at what became of it. */
export async function runCell(
  world: World,
  { step, scenario }: Row,
  fault: FaultName | 'nothing',
  when: When = 'first',
): Promise<Cell> {
  const cell: Cell = { ends: [], wrongs: [], orders: [] };
  const ways = fault === 'nothing' ? undisturbed() : faults[fault](world, step);
  for (let next = ways.next(); !next.done; ) {
    const way = next.value;
    const { id, end, wrongs, struck } = await runOrder(world, scenario, [{ step, way, when }]);
    cell.wrongs.push(...wrongs.map((wrong) => `${way.name}: ${wrong}`));
    const expected = (fault !== 'nothing' && scenario.endUnder?.[fault]) || scenario.end;
    if (when !== 'every' && end !== expected) {
      cell.wrongs.push(`${way.name}: it ended ${end} instead of ${expected}`);
    }
    if (struck) {
      cell.orders.push(id);
      if (!cell.ends.includes(end)) cell.ends.push(end);
    }
    next = ways.next(struck);
  }
  if (cell.orders.length === 0) cell.wrongs.push('the fault never struck');
  return cell;
}

function* undisturbed(): Ways {
  yield { name: 'nothing', deliver: ({ next }) => next() };
}

/** How a fault strikes a step. */
export type Strike = { step: StepName; way: Way; when: When };

/** Runs an order of a scenario under one fault, or several. */
export async function runOrder(world: World, scenario: Scenario, strikes: readonly Strike[]) {
  const { afterwards = [], meanwhile = {}, tellsCoupon } = scenario;
  const deliveries = new Map<StepName, number>();
  const struck = new Map<Strike, number>();
  let isSeenTo = false;
  let isArmed = !scenario.strikesAfterCustomer && afterwards.length === 0;

  world.onDelivery(async (delivery) => {
    const number = countUp(deliveries, delivery.step);
    if (number === 1) await interfere(world, scenario, delivery);
    for (const { step, way } of struck.keys()) if (step !== delivery.step) await way.beforeNextStep?.();
    const strike = isArmed ? strikes.find(({ step }) => step === delivery.step) : undefined;
    if (strike === undefined) {
      return deliverWith({ mishap: meanwhile[delivery.step], number, isSeenTo }, delivery);
    }
    const time = countUp(struck, strike);
    if (strike.when === 'second' && time === 1) throw new Error('refused');
    if (strike.when !== 'every' && time !== (strike.when === 'first' ? 1 : 2)) return delivery.next();
    return strike.way.deliver(delivery);
  });

  const { id, productId } = await placeFor(world, scenario);
  isArmed ||= afterwards.length === 0;
  if (scenario.customer !== undefined) await actOnPayment(world, scenario, id);
  for (const [i, what] of afterwards.entries()) {
    isSeenTo = true;
    isArmed = i === afterwards.length - 1;
    await doAfterwards(world, what, id);
  }
  await sweepUntilEnded(world, id);
  let end = await readEnd(world, id, tellsCoupon);
  const wrongs = await wrongsOf(world, { id, productId }, end);
  for (const { way } of struck.keys()) {
    await way.afterEnd?.();
    const later = await readEnd(world, id, tellsCoupon);
    // What comes late may still take away what was at stake, and nothing else.
    if (statusOf(later) !== statusOf(end)) wrongs.push(`it ended ${end}, and was ${later} after what came late`);
    if (way.afterEnd !== undefined) wrongs.push(...(await wrongsOf(world, { id, productId }, later)));
    end = later;
  }
  world.onDelivery(({ next }) => next());
  return { id, end, wrongs, struck: strikes.every((each) => struck.has(each) && (each.way.struck?.() ?? true)) };
}

function countUp<K>(counts: Map<K, number>, key: K): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

/** What the customer does as the first delivery of a step begins. */
async function interfere({ saga }: World, scenario: Scenario, { step, orderId }: Delivery): Promise<void> {
  // The saga of a cancellation, where it needs one, is left to the sweeper, so that the two follow each other.
  if (scenario.cancelsBefore === step) await saga.cancel(orderId, 3600, { start: false });
  if (scenario.customer === 'pays before the order waits' && step === 'AwaitPayment') {
    await settleAndTell(saga, orderId, 'complete');
  }
}

const statusOf = (end: string): string => end.replace(/ \(.*/, '');

type Placed = { id: string; productId: string };

async function wrongsOf(world: World, { id, productId }: Placed, end: string): Promise<string[]> {
  const charge = await readCharge(world.saga, id);
  const charges = charge === undefined ? [] : [charge];
  const wrongs = await brokenInvariants(world.saga.owner, charges, { orderIds: [id], productIds: [productId] });
  const executions = await world.executions(id);
  // A charge that nobody ordered waits for the next run of the reconciliation, and an alarm rings.
  if (end === 'charge captured') return executions.some(({ status }) => status === 'FAILED') ? [] : ['no alarm rang'];
  if (executions.some(({ status }) => status === 'RUNNING')) wrongs.push('its execution has not ended');
  if (end.startsWith('needs_attention') && executions.every(({ status }) => status === 'SUCCEEDED')) {
    wrongs.push('it needs manual review, and no alarm rang');
  }
  return wrongs;
}

/** A step with a way that leads to it. */
export type Row = { step: StepName; scenario: Scenario };

/** Every step with each way to it. */
export const rows: readonly Row[] = Object.entries(scenarios).flatMap(([step, of]) =>
  of.map((scenario) => ({ step: step as StepName, scenario })),
);
