import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { resetStack } from '../../infra/local/stack.ts';
import { findTraces } from './aftermath.ts';
import { runSchemathesis } from './schemathesis.ts';
import { type Kind, makeWorld, type World } from './world.ts';

const usage = `npm run test:fuzz -- [--schemathesis COMMAND] [--seed S] [--examples N] [--least N] [--kind NAME...] [--keep]

  --schemathesis COMMAND  the program of the package schemathesis from PyPI (schemathesis)
  --seed S                the number that random requests come from (1)
  --examples N            random requests of each operation with each kind of credentials, at most (20)
  --least N               fails when fewer requests were sent (20000; 0 with --kind)
  --kind NAME             only these credentials: nobody, client, session, key, key-without-scopes, unknown-token,
                          signing-out
  --keep                  leaves the folder with the stack's data, its logs and what Schemathesis said
`;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      schemathesis: { type: 'string', default: 'schemathesis' },
      seed: { type: 'string', default: '1' },
      examples: { type: 'string', default: '20' },
      least: { type: 'string' },
      kind: { type: 'string', multiple: true, default: [] },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return true;
  }
  const { seed, examples } = { seed: Number(values.seed), examples: Number(values.examples) };
  const least = Number(values.least ?? (values.kind.length === 0 ? 20_000 : 0));
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-fuzz-'));
  const world = await makeWorld(directory);
  let passed = false;
  try {
    const before = world.answered();
    const kinds = world.kinds.filter(({ name }) => values.kind.length === 0 || values.kind.includes(name));
    if (kinds.length === 0) throw new Error(`There are no such credentials.\n\n${usage}`);
    const command = values.schemathesis.includes('/') ? resolve(values.schemathesis) : values.schemathesis;
    const options = { command, seed, examples, directory };
    const failed = await fuzz(world, kinds, options);
    const sent = world.answered() - before;
    const wrong = [...failed, ...(await findTraces(world))];
    if (sent < least) wrong.push(`only ${sent} requests were sent, and not ${least}`);
    for (const sentence of wrong) console.error(sentence.slice(-20_000));
    passed = wrong.length === 0;
    console.log(
      passed
        ? `${sent} requests with ${kinds.length} kinds of credentials: every answer was as documented, and nothing leaked.`
        : `${sent} requests, ${wrong.length} findings. Again: npm run test:fuzz -- --seed ${seed} --examples ${examples} --schemathesis ${values.schemathesis}; all is in ${directory}`,
    );
    return passed;
  } finally {
    await world.stack.stop();
    if (passed && !values.keep) {
      await resetStack(directory);
      await rm(directory, { recursive: true, force: true });
    }
  }
}

/** Three processes at a time: Schemathesis makes requests up while the others wait for answers. @returns what they found */
async function fuzz(
  world: World,
  kinds: readonly Kind[],
  options: Parameters<typeof runSchemathesis>[2],
): Promise<string[]> {
  const waiting = [...kinds];
  const found: string[] = [];
  const work = async () => {
    for (let kind = waiting.shift(); kind !== undefined; kind = waiting.shift()) {
      const startedAt = performance.now();
      const { passed, file } = await runSchemathesis(world, kind, options);
      const text = await readFile(file, 'utf8');
      const generated = /(\d+) generated/.exec(text)?.[1] ?? 'no';
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      console.log(`· ${kind.name}: ${generated} cases in ${seconds} s${passed ? '' : ', with findings'}`);
      if (!passed) found.push(`with the credentials ${kind.name}:\n${text}`);
    }
  };
  await Promise.all([work(), work(), work()]);
  return found;
}

main().then(
  (passed) => process.exit(passed ? 0 : 1),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
