import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { machineArn } from '../../../lib/platform/step-functions.ts';
import { type Check, fail, ok, type Patient } from './check.ts';
import { statesClient } from './clients.ts';

/** Older orders may be in the archive. */
const recentMs = 14 * 86_400_000;
const mostExecutions = 100;

/** Whether the database is still the one that it was. */
export const dataChecks: readonly Check[] = [{ name: 'data', needs: ['migrations', 'Step Functions'], run: checkData }];

/** Step Functions keeps a list of orders of its own: an execution of `placing` is named after its order. */
async function checkData({ sql, now }: Patient) {
  const { executions = [] } = await statesClient().send(
    new ListExecutionsCommand({ stateMachineArn: machineArn('placing'), maxResults: mostExecutions }),
  );
  const ids = executions
    .filter(({ name, startDate }) => /^ord_/.test(name ?? '') && now() - (startDate?.getTime() ?? 0) < recentMs)
    .map(({ name }) => name!);
  if (ids.length === 0) return ok('No order was placed in the last two weeks.');
  const known = await sql('migrator')<{ id: string }[]>`
    with wanted as (select jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb) as id)
    select id from wanted where id in (select id from orders.orders) or id in (select id from archive.orders)`;
  const missing = ids.filter((id) => !known.some((order) => order.id === id));
  if (missing.length === 0) return ok(`The database has each of the last ${ids.length} orders whose saga was started.`);
  return fail(
    `The database does not have ${missing.length} of the last ${ids.length} orders whose saga was started: ${missing.slice(0, 3).join(', ')}. It was lost, or restored to an earlier time.`,
    'npm run backup -- list shows what can be restored, docs/runbooks/restore.md how',
    'docs/runbooks/restore.md',
  );
}
