import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { steps } from '../../functions/steps.ts';
import { expectInvariants } from '../support/invariants.ts';
import { type Row, rows, runCell, type When } from './cell.ts';
import { placeholders, transitions, travelled } from './definition.ts';
import { type FaultName, faults } from './faults.ts';
import { scenarios } from './scenarios.ts';
import { type Matrix, readTable, renderTable, writeTable } from './table.ts';
import { startWorld, type World } from './world.ts';

/** The long form strikes the second delivery and every delivery too. See run.ts. */
const whens = (process.env.FAULTS ?? 'first').split(',') as When[];
const faultNames = Object.keys(faults) as FaultName[];

let world: World;
beforeAll(async () => {
  world = await startWorld({ thorough: process.env.FAULTS !== undefined });
});
afterAll(() => world?.stop());

describe('the rows of the matrix', () => {
  test.each([...new Set([...Object.keys(steps), ...placeholders])])('%s has a scenario', (step) => {
    const own = (scenarios as Record<string, readonly unknown[]>)[step] ?? [];
    expect(own.length, `${step} has none in test/faults/scenarios.ts`).toBeGreaterThan(0);
  });

  test.each(rows)('$step, $scenario.name: passes the step and ends as the row says', async (row) => {
    expect(Object.keys(row.scenario.meanwhile ?? {}), 'its own step is left to the fault').not.toContain(row.step);
    const { wrongs, orders } = await runCell(world, row, 'nothing');
    expect(wrongs).toEqual([]);
    for (const id of orders) for (const each of await travelled(world, id)) seen.add(each);
  });

  test('together they take every transition of the state machine', () => {
    expect(transitions.filter((each) => !seen.has(each))).toEqual([]);
    expect(transitions.length).toBeGreaterThan(20);
  });
});

const seen = new Set<string>();
const matrices: Record<When, Matrix> = { first: new Map(), second: new Map(), every: new Map() };

describe.each(whens)('the %s delivery struck', (when) => {
  describe.each(rows)('$step, $scenario.name', (row: Row) => {
    test.each(faultNames)('%s', async (fault) => {
      const cell = await runCell(world, row, fault, when);
      const cells = matrices[when].get(row) ?? {};
      matrices[when].set(row, { ...cells, [fault]: cell });
      expect(cell.wrongs).toEqual([]);
    });
  });
});

test('all of it together keeps the invariants', () => expectInvariants(world.saga));

test.each(whens.filter((when) => when !== 'second'))('the table of the %s delivery in the docs is this one', (when) => {
  const table = renderTable(matrices[when]);
  expect(table).not.toMatch(/\| +\|/);
  if (process.env.FAULTS_WRITE === '1') writeTable(when, table);
  expect(readTable(when), 'npm run test:faults -- --write puts the tables of this run into the docs').toBe(table);
});
