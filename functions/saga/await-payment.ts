import * as z from 'zod/mini';
import type { Clock } from '../../lib/kernel/clock.ts';
import { stepHandler } from '../../lib/platform/handlers/step.ts';
import { awaitedPayments, resumeTask } from '../../lib/platform/resume.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { awaitPaymentAction } from '../../lib/saga/await-payment.sql.ts';
import { type AwaitedPayments, answerSignal, keepToken } from '../../lib/saga/awaited-payments.dynamo.ts';
import { placingState } from '../../lib/saga/state.ts';
import { steps } from '../steps.ts';

const input = z.object({ taskToken: z.string(), state: placingState });
type Input = z.output<typeof input>;

type Deps = {
  sql: () => Sql;
  clock: Clock;
  awaited: AwaitedPayments;
  resumeTask: (taskToken: string) => Promise<void>;
};

/** After this step the saga waits until something happens to the payment. Then it charges again to find out what. */
export async function run({ taskToken, state: { orderId, charge } }: Input, deps: Deps) {
  if (charge?.action === undefined) throw new Error('the charge has no action to wait for');
  const at = new Date(deps.clock.now());
  const expiresAt = await awaitPaymentAction(deps.sql(), { orderId, action: charge.action, at });
  const signal = await keepToken(deps.awaited, { orderId, token: taskToken, expiresAt: expiresAt.getTime() });
  if (signal !== undefined) {
    await deps.resumeTask(taskToken);
    await answerSignal(deps.awaited, { orderId, signal });
  }
  return { awaited: true };
}

export const handler = stepHandler(steps.AwaitPayment, input, run, ({ clock }) => ({
  sql: () => sqlAs('saga'),
  clock,
  awaited: awaitedPayments(),
  resumeTask,
}));
