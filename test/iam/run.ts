import { parseArgs } from 'node:util';
import { judge, readCalls } from './judge.ts';
import { explanationOf } from './unused.ts';

const usage = `npm run test:iam -- FILE...

Judges what functions asked of AWS, on stacks that ran with RECORD_CALLS=FILE, by the policies of both stages. Fails when one
did what its permissions do not allow, and when one has a permission that it did not use and that test/iam/unused.ts does not
explain. It lists the explained ones.
`;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help || positionals.length === 0) {
    console.log(usage);
    return values.help;
  }
  const calls = await readCalls(positionals);
  const { refused, unused, requests } = judge(calls);
  const unexplained = unused.filter((right) => explanationOf(right) === undefined);
  for (const [because, rights] of Map.groupBy(unused, (right) => explanationOf(right)?.because)) {
    if (because === undefined) continue;
    console.log(`${rights.length} unused: ${because}`);
    for (const { handler, action, resource } of rights) console.log(`  ${handler}: ${action} on ${resource}`);
  }
  for (const sentence of refused) console.error(`refused: ${sentence}`);
  for (const { handler, action, resource } of unexplained) {
    console.error(`never used, and not explained: ${handler}: ${action} on ${resource}`);
  }
  console.log(
    `${requests} requests: ${refused.length} refused, ${unused.length} rights unused, ${unexplained.length} of them unexplained`,
  );
  return refused.length + unexplained.length === 0;
}

main().then(
  (passed) => process.exit(passed ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
