import { afterEach, describe, expect, test } from 'vitest';
import type { Definition } from '../support/definitions.ts';
import { rows, runCell } from './cell.ts';
import { type FaultName, faults } from './faults.ts';
import type { Sabotage } from './sabotage.ts';
import { startWorld, type World } from './world.ts';

// Each fault finds a guard that is missing: a saga that goes well when nothing happens, and is caught when it does.
const recharged = { sabotage: 'a charge under a new key each time', step: 'ChargePayment' } as const;
const prey: Record<FaultName, { sabotage: Sabotage | 'no retry'; step: string }> = {
  'refuses before its effect': { sabotage: 'no retry', step: 'ReserveStock' },
  'does it, answer lost': recharged,
  'times out before its effect': recharged,
  'times out after its effect': recharged,
  'delivered twice': recharged,
  'delivered twice at once': recharged,
  'killed after its effect': recharged,
  'database cut': { sabotage: 'a reservation in two transactions', step: 'ReserveStock' },
  'DynamoDB silent': { sabotage: 'a charge that swallows errors', step: 'ChargePayment' },
};

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

describe.each(Object.keys(faults) as FaultName[])('%s', (fault) => {
  const { sabotage, step } = prey[fault];

  test(`notices ${sabotage}`, async () => {
    world = await startWorld(sabotage === 'no retry' ? { edit: withoutRetry(step) } : { sabotage });
    const row = rows.find((each) => each.step === step && each.scenario.name === 'an order')!;
    expect((await runCell(world, row, 'nothing')).wrongs).toEqual([]);
    expect((await runCell(world, row, fault)).wrongs).not.toEqual([]);
  });
});

const withoutRetry = (step: string) => (definition: Definition) => ({
  ...definition,
  States: Object.fromEntries(
    Object.entries(definition.States).map(([name, state]) => [name, name === step ? { ...state, Retry: [] } : state]),
  ),
});
