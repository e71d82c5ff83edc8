import * as contract from '../../lib/contract/customers.ts';
import { type AccountDeps, changeEmail } from '../../lib/customers/own-account.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { describeError } from '../../lib/entry/lambda.ts';
import { sessionStore } from '../../lib/platform/deps.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run({ body }: Request<typeof contract.changeEmail>, deps: AccountDeps): Promise<Result> {
  await changeEmail(deps, body.token);
  return { status: 204 };
}

export const handler = httpDoor(routes['change-email'], contract.changeEmail, run, ({ clock, log }) => ({
  sql: () => sqlAs('customers_api'),
  clock,
  sessions: sessionStore(),
  onLeft: (error) => log.error('sessions not ended', { error: describeError(error) }),
}));
