import type { Stage } from '../../infra/move-in/commands.ts';
import { runMoveIn } from '../../infra/tools/move-in.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { poolOptions } from './handlers.ts';
import type { TestDatabase } from './postgres.ts';

export const asMigrator = (database: Pick<TestDatabase, 'connect'>, max = 2): Sql =>
  database.connect('migrator', { ...poolOptions, max }) as unknown as Sql;

/** `npm run move-in` against a test's database. */
export const moveInto =
  (database: () => Pick<TestDatabase, 'connect'>, stage: Pick<Stage, 'sourcePassword'> = {}) =>
  async (...args: string[]) => {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await runMoveIn(
      args,
      { open: () => asMigrator(database(), 2), ownPrefix: () => 'CF', ...stage },
      { out: (line) => out.push(line), err: (line) => err.push(line) },
    );
    return { code, out, err };
  };
