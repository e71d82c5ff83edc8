import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type DataMigration, readDataMigrations, setPaused } from '../../lib/database/data-migrations.sql.ts';
import { describeData, runDataMigrations } from '../../lib/database/data-migrations.ts';
import { down, migrate, shippedMigrations, status } from '../../lib/database/migrate.ts';
import { MigrationError } from '../../lib/database/migration-errors.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { sqlAs } from '../../lib/platform/sql.ts';

const usage = `npm run migrate -- status            list the applied and the pending migrations
npm run migrate -- up [--to N]       apply the pending migrations, up to N
npm run migrate -- down [--to N]     revert the newest migration, or all above N (0: all)
npm run migrate -- data              say how far the data migrations are
npm run migrate -- data run [NAME]   work on them here, until all or that one is finished, or Ctrl-C
npm run migrate -- data pause NAME   hold one where it is
npm run migrate -- data resume NAME  go on with it

It connects with DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_CA_FILE and your AWS credentials.
See docs/migrations.md.`;

async function main(args: string[]): Promise<number> {
  const command = parse(args);
  if (command === undefined) {
    console.error(usage);
    return 2;
  }
  try {
    const sql = sqlAs('migrator');
    try {
      return await commands[command.name]({
        sql,
        directory: shippedMigrations,
        log: console.log,
        words: command.words,
        ...command.to,
      });
    } finally {
      await sql.end({ timeout: 1 });
    }
  } catch (error) {
    console.error(error instanceof MigrationError ? `${error.name}: ${error.message}` : String(error));
    return 1;
  }
}

type Options = Parameters<typeof migrate>[0] & { words: string[] };

const commands = {
  async status(options: Options) {
    const { applied, pending, data, invalidIndexes, problem } = await status(options);
    for (const { name, appliedAt, executionMs } of applied) {
      console.log(`applied  ${name}  ${appliedAt.toISOString()}  ${executionMs} ms`);
    }
    for (const name of pending) console.log(`pending  ${name}`);
    print(data);
    for (const name of invalidIndexes)
      console.log(`invalid  ${name}  drop index concurrently ${name}; and build it again`);
    if (problem !== undefined) throw problem;
    return invalidIndexes.length === 0 ? 0 : 1;
  },
  async up(options: Options) {
    const { applied } = await migrate(options);
    if (applied.length === 0) console.log('nothing to apply');
    return 0;
  },
  async down(options: Options) {
    const { reverted } = await down(options);
    if (reverted.length === 0) console.log('nothing to revert');
    return 0;
  },
  async data(options: Options) {
    const [what, name] = options.words;
    const { sql } = options;
    if (what === 'run') return await runData(options, name);
    if (what !== undefined && !(await setPaused(sql, name!, what === 'pause'))) {
      console.error(`There is no unfinished data migration ${name}.`);
      return 1;
    }
    const rows = await readDataMigrations(sql);
    if (rows.length === 0) console.log('no migration has data to migrate');
    print(rows);
    return 0;
  },
};

async function runData({ sql, directory, log }: Options, name: string | undefined): Promise<number> {
  let said = '';
  for (;;) {
    const untilMs = stopwatch.elapsed() + 10_000;
    const only = name === undefined ? {} : { only: name };
    const rows = await runDataMigrations({ sql, directory, clock: systemClock, stopwatch, sleep, untilMs, ...only });
    const left = rows.filter((row) => row.finishedAt === null && (name === undefined || row.name === name));
    if (name !== undefined && !rows.some((row) => row.name === name)) {
      console.error(`There is no data migration ${name}.`);
      return 1;
    }
    // A pass may rest for an hour before the next.
    const lines = left.map((row) => `data     ${row.name}  ${describeData(row)}`).join('\n');
    if (lines !== said && lines !== '') log?.(lines);
    said = lines;
    if (left.every(({ paused }) => paused)) {
      if (left.length === 0) console.log('finished');
      return left.length === 0 ? 0 : 1;
    }
    await sleep(1000);
  }
}

function print(rows: DataMigration[]): void {
  for (const row of rows) console.log(`data     ${row.name}  ${describeData(row)}`);
}

type Command = { name: keyof typeof commands; words: string[]; to: { target?: number } };

function parse(args: string[]): Command | undefined {
  try {
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { to: { type: 'string' } } });
    const [name = '', ...rest] = positionals;
    if (!Object.hasOwn(commands, name) || !fits(name, rest)) return undefined;
    const command = { name: name as keyof typeof commands, words: rest };
    if (values.to === undefined) return { ...command, to: {} };
    return /^\d{1,4}$/.test(values.to) && (name === 'up' || name === 'down')
      ? { ...command, to: { target: Number(values.to) } }
      : undefined;
  } catch {
    return undefined;
  }
}

/** What may come behind a command. */
function fits(name: string, [what, ...names]: string[]): boolean {
  if (name !== 'data' || what === undefined) return what === undefined;
  return what === 'run' ? names.length <= 1 : (what === 'pause' || what === 'resume') && names.length === 1;
}

process.exitCode = await main(process.argv.slice(2));
