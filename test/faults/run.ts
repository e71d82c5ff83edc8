import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { readTable } from './table.ts';

const usage = `npm run test:faults -- [--write] [--step NAME]…

The long form of the fault matrix. It fails when the table in docs/reliability.md is not the one that it gave.

  --write      puts its own table there
  --step NAME  only the rows of this step, without the table; more than one may be named
`;

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    step: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const { write, step: steps, help } = values;
if (help) console.log(usage);
else {
  const only = steps.length === 0 ? [] : ['--testNamePattern', `delivery struck.*(${steps.join('|')}), `];
  const { status } = spawnSync('vitest', ['run', '--project', 'stack', 'test/faults', '--reporter', 'dot', ...only], {
    stdio: 'inherit',
    env: { ...process.env, FAULTS: 'first,second', ...(write && { FAULTS_WRITE: '1' }) },
  });
  if (status === 0 && steps.length === 0) console.log(`\n${readTable('first')}`);
  process.exitCode = status ?? 1;
}
