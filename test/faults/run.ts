import { spawnSync } from 'node:child_process';
import { readTable } from './table.ts';

// The long form of the fault matrix. It fails when the table in docs/reliability.md is not the one that it gave; with
// --write it puts its own there.
const write = process.argv.includes('--write');
const { status } = spawnSync('vitest', ['run', '--project', 'stack', 'test/faults', '--reporter', 'dot'], {
  stdio: 'inherit',
  env: { ...process.env, FAULTS: 'first,second', ...(write && { FAULTS_WRITE: '1' }) },
});
if (status === 0) {
  console.log(`\n${readTable('first')}`);
}
process.exitCode = status ?? 1;
