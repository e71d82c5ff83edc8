import * as contract from '../../lib/contract/api/system.ts';
import { stateMachines } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { describeError } from '../../lib/kernel/log.ts';
import { healthCheck } from '../../lib/operations/health/check.ts';
import { probeDatabase, probeSessions, probeStates } from '../../lib/operations/health/probes.gateway.ts';
import { config, tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { dropPool } from '../../lib/platform/pools.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { describeMachine, machineArn } from '../../lib/platform/step-functions.ts';
import { routes } from '../routes.ts';

type Deps = { check: () => Promise<contract.Health> };

export async function run(_request: Request<typeof contract.getHealth>, { check }: Deps): Promise<Result> {
  const health = await check();
  return { status: health.status === 'down' ? 503 : 200, headers: { 'cache-control': 'no-store' }, body: health };
}

export const handler = httpHandler(routes['get-health'], contract.getHealth, run, ({ clock, stopwatch, log }) => ({
  check: healthCheck({
    probes: {
      database: () => probeDatabase(sqlAs('monitor')),
      sessions: () => probeSessions(dynamo(), tableName('sessions')),
      states: () => probeStates(describeMachine, stateMachines.map(machineArn)),
    },
    version: config().RELEASE,
    clock,
    stopwatch,
    onDown(part, error) {
      log.warn('part is down', { part, error: describeError(error) });
      // With a pool that is stuck or has lost its connection, every later probe would fail too.
      if (part === 'database') dropPool('monitor');
    },
  }),
}));
