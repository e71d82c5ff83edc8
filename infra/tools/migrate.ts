import { parseArgs } from 'node:util';
import { down, migrate, shippedMigrations, status } from '../../lib/database/migrate.ts';
import { MigrationError } from '../../lib/database/migration-errors.ts';
import { sqlAs } from '../../lib/platform/sql.ts';

const usage = `npm run migrate -- status            list the applied and the pending migrations
npm run migrate -- up [--to N]       apply the pending migrations, up to N
npm run migrate -- down [--to N]     revert the newest migration, or all above N (0: all)

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
      return await commands[command.name]({ sql, directory: shippedMigrations, log: console.log, ...command.to });
    } finally {
      await sql.end({ timeout: 1 });
    }
  } catch (error) {
    console.error(error instanceof MigrationError ? `${error.name}: ${error.message}` : String(error));
    return 1;
  }
}

type Options = Parameters<typeof migrate>[0];

const commands = {
  async status(options: Options) {
    const { applied, pending, invalidIndexes, problem } = await status(options);
    for (const { name, appliedAt, executionMs } of applied) {
      console.log(`applied  ${name}  ${appliedAt.toISOString()}  ${executionMs} ms`);
    }
    for (const name of pending) console.log(`pending  ${name}`);
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
};

function parse(args: string[]): { name: keyof typeof commands; to: { target?: number } } | undefined {
  try {
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { to: { type: 'string' } } });
    const [name = '', ...rest] = positionals;
    if (!Object.hasOwn(commands, name) || rest.length > 0) return undefined;
    if (values.to === undefined) return { name: name as keyof typeof commands, to: {} };
    return /^\d{1,4}$/.test(values.to) && name !== 'status'
      ? { name: name as keyof typeof commands, to: { target: Number(values.to) } }
      : undefined;
  } catch {
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
