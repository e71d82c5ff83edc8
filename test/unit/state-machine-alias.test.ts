import { afterEach, expect, test, vi } from 'vitest';

const machine = 'arn:aws:states:eu-west-1:000000000000:stateMachine:counterfoil-dev-order-placing';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

test.each([
  ['by the alias, where there is one', 'live', `${machine}:live`],
  ['by the state machine, where there is none', undefined, machine],
])('an execution is started %s, and is named under the state machine', async (_, alias, expected) => {
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('PLACING_STATE_MACHINE_ARN', machine);
  vi.stubEnv('STATE_MACHINE_ALIAS', alias);
  const { machineArn, startArn } = await import('../../lib/platform/step-functions.ts');
  expect(startArn('placing')).toBe(expected);
  expect(machineArn('placing')).toBe(machine);
});
