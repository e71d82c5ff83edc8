import postgres from 'postgres';
import { runMoveIn } from '../../infra/tools/move-in.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { bigintAsNumber } from '../../lib/platform/sql.ts';

/* `npm run move-in` against a test's database, in a process that can be killed: the socket, the database, and the command line. */
const [host, database, ...args] = process.argv.slice(2) as [string, string, ...string[]];
const options = { transform: { column: { from: postgres.toCamel } }, types: { bigint: bigintAsNumber } };
const open = () =>
  postgres({
    host,
    database,
    user: 'migrator',
    max: 2,
    fetch_types: false,
    onnotice: () => {},
    ...options,
  }) as unknown as Sql;
process.exitCode = await runMoveIn(args, { open, ownPrefix: () => 'CF' }, { out: console.log, err: console.error });
