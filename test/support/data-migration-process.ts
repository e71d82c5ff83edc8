import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { testPostgres } from './postgres.ts';

/**
 * Works on the data migrations of a folder in a process of its own, as role `migrator`, and kills it with SIGKILL in the batch
 * after `batches` others.
 */
export async function killInBatch(
  { database, directory }: { database: { name: string }; directory: string },
  batches = 1,
): Promise<void> {
  const module = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href);
  const options = {
    host: testPostgres().socketDir,
    user: 'migrator',
    database: database.name,
    max: 1,
    fetch_types: false,
  };
  const script = `
    import postgres from ${JSON.stringify(import.meta.resolve('postgres'))};
    import { runDataMigrations } from ${module('lib/database/data-migrations.ts')};
    import { stopwatch, systemClock } from ${module('lib/kernel/clock.ts')};
    const sql = postgres(${JSON.stringify(options)});
    const sleep = async () => console.log('batch');
    await runDataMigrations({ sql, directory: ${JSON.stringify(directory)}, clock: systemClock, stopwatch, sleep, untilMs: Infinity });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let lines = '';
  for await (const chunk of child.stdout) {
    lines += chunk;
    if (lines.split('\n').length > batches) break;
  }
  child.kill('SIGKILL');
  await exited;
}
