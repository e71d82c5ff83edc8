import type { Sql } from 'postgres';
import postgres from 'postgres';
import { type StepName, steps } from '../../functions/steps.ts';
import { startStates } from '../../infra/local/states/start.ts';
import { localMachines, machineVariables } from './definitions.ts';
import { openLiveHandlers } from './live-handlers.ts';
import { testPostgres } from './postgres.ts';

/** The deployed handlers with the real saga behind them, and a superuser of their database. Orders come to their ends. */
export async function openLiveSagas() {
  const states = await startStates({
    machines: localMachines(),
    waitScale: 0,
    invoke: async (step, payload) => {
      const file = steps[step as StepName].handler.slice('saga/'.length);
      const { handler } = await import(`../../functions/saga/${file}.ts`);
      return handler(payload);
    },
  });
  const settings = { RATE_LIMIT_PER_MINUTE: '100000', AWS_ENDPOINT_URL_SFN: states.endpoint, ...machineVariables };
  const handlers = await openLiveHandlers(settings);
  const admin = postgres({
    host: testPostgres().socketDir,
    user: 'rdsadmin',
    database: process.env.DATABASE_NAME!,
    max: 1,
    onnotice: () => {},
  }) as unknown as Sql;
  return {
    handlers,
    states,
    admin,
    async close() {
      await admin.end();
      await states.stop();
      await handlers.close();
    },
  };
}

export type LiveSagas = Awaited<ReturnType<typeof openLiveSagas>>;
