import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmulator } from './emulator.ts';
import { notPasted } from './guide.ts';
import { type Scene, scenes } from './scenes.ts';

const usage = `npm run test:deploy -- --python FOLDER [--all] [--directory FOLDER] [SCENE...]

  --python FOLDER     has python with MiniStack: pip install ministack==1.5.33 (and awscli==1.46.3 for the scenes of the night)
  --all               the scenes of the night too
  --directory FOLDER  keeps commands.log and emulator.log there
  SCENE               only these: ${scenes.map(({ name }) => name).join(', ')}

Deploys stages with CDK's command line to an emulator of AWS on this machine, at the limits of a new account. It needs no
credentials. docs/proof.md says what this shows, and what it cannot.`;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      python: { type: 'string' },
      all: { type: 'boolean', default: false },
      directory: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const unknown = positionals.find((name) => !scenes.some((scene) => scene.name === name));
  if (values.help || values.python === undefined || unknown !== undefined) {
    console.log(unknown === undefined ? usage : `There is no scene ${unknown}.\n\n${usage}`);
    return values.help;
  }
  const chosen = scenes.filter(({ name, nightly }) =>
    positionals.length === 0 ? values.all || !nightly : positionals.includes(name),
  );
  const directory = resolve(values.directory ?? (await mkdtemp(join(tmpdir(), 'counterfoil-deploy-'))));
  let passed = true;
  for (const scene of chosen) {
    const home = join(directory, scene.name);
    await mkdir(home, { recursive: true });
    passed = (await perform(scene, resolve(values.python), home)) && passed;
  }
  if (passed && values.directory === undefined) await rm(directory, { recursive: true, force: true });
  else console.log(`logs: ${directory}`);
  return passed;
}

/** Plays one scene in an account of its own. @returns whether it passed */
async function perform(
  { name, canarySeconds = 25, concurrency = 10, play }: Scene,
  bin: string,
  home: string,
): Promise<boolean> {
  const begun = performance.now();
  const say = (line: string) => console.log(`${name} ${((performance.now() - begun) / 1000).toFixed(0)} s: ${line}`);
  const emulator = await startEmulator({ bin, home, canarySeconds, concurrency });
  const end = () => void emulator.stop().finally(() => process.exit(130));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    await play(emulator, say);
    const left = notPasted(emulator, name);
    if (left.length > 0)
      throw new Error(`it has not run ${left.join('; ')}, which test/deploy/page-commands.ts says it does`);
    say('everything held');
    return true;
  } catch (error) {
    say(`failed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  } finally {
    process.removeListener('SIGINT', end).removeListener('SIGTERM', end);
    await emulator.stop();
  }
}

process.exitCode = (await main()) ? 0 : 1;
