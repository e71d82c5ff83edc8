import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const usage = `npm run test:histories -- [--count N] [--seed S] [--path P]

  --count N   histories to play (1000)
  --seed S    the number that they come from; by default another one each time
  --path P    plays only the history that a failure named, and what it shrinks to
`;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
for (const name of ['count', 'seed'] as const) {
  if (values[name] === undefined || /^\d+$/.test(values[name])) continue;
  console.error(`--${name} must be a whole number, not "${values[name]}".\n\n${usage}`);
  process.exit(1);
}
const child = spawn('vitest', ['run', 'test/saga/histories.test.ts', '--disable-console-intercept'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    HISTORY_COUNT: values.count,
    ...(values.seed === undefined ? {} : { HISTORY_SEED: values.seed }),
    ...(values.path === undefined ? {} : { HISTORY_PATH: values.path }),
  },
});
const [code] = (await once(child, 'exit')) as [number | null];
process.exit(code ?? 1);
