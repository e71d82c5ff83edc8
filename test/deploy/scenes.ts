import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { smoke } from '../../infra/release/smoke.ts';
import { copyOf, exportOf, plant, planted, releasedTag } from '../drill/releases.ts';
import { run } from './command.ts';
import { account, type Emulator, region } from './emulator.ts';
import { paste } from './guide.ts';
import { held, ofEmptying, putFile } from './held.ts';
import { back, canary, goesBack } from './night.ts';
import type { SceneName } from './page-commands.ts';
import { pageOfDev } from './page-dev.ts';
import { pageOfProd } from './page-prod.ts';
import { changeSettings } from './settings.ts';
import {
  baseUrlOf,
  bootstrap,
  deploy,
  destroy,
  healthy,
  makeKey,
  ofBootstrap,
  prodSettings,
  refusalOf,
  root,
  synthesize,
} from './stages.ts';

export type Scene = {
  name: SceneName;
  /** Takes too long for each change. */
  nightly?: true;
  /** How long its canaries last; five minutes on AWS. */
  canarySeconds?: number;
  /** How many functions may run at once: ten in a new account. */
  concurrency?: number;
  /** @throws Error saying what does not hold */
  play(emulator: Emulator, say: (line: string) => void): Promise<void>;
};

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** The part of the end-to-end suite that goes through every service, and is run for each change. */
const short = ['orders', 'cancel', 'refunds', 'stock'];

/**
 * An empty account, by the commands of docs/deploy.md; then an update with a migration, a second stage beside the first, a release
 * of it whose canary goes back, and nothing left of the first. Where there is a previous release, it is deployed before.
 */
async function firstOrder(emulator: Emulator, say: (line: string) => void): Promise<void> {
  const before = new Set(await held(emulator));
  await emulator.addDatabase('dev');
  await deployPrevious(emulator, say);
  const printed = await paste(emulator, 'docs/deploy.md', 'first order');
  if (!printed.includes('"status":"confirmed"'))
    throw new Error(`the first order was not confirmed: ${printed.slice(-500)}`);
  say('an empty account took its first order, by the commands of docs/deploy.md');
  const next = await copyOf(join(emulator.home, 'next'));
  await plant(next, 'planted', planted.expand);
  const { dev, baseUrl } = await deployToTest(emulator, next);
  await rm(next, { recursive: true, force: true });
  say('a release with another migration and other settings was deployed over it');
  await testHttp(emulator, baseUrl, await makeKey(emulator, dev.outputs, 'dev'), short);
  say('the end-to-end tests passed');
  const alone = new Set(await held(emulator));
  await emulator.addDatabase('prod');
  const prod = await synthesize(emulator, 'prod', prodSettings);
  const prodUrl = baseUrlOf(emulator, await deploy(emulator, prod), 'prod');
  const wrong = await smoke(prodUrl, version);
  if (wrong.length > 0) throw new Error(wrong.join('; '));
  await healthy(baseUrl, 'next');
  const ofProd = new Set((await held(emulator)).filter((name) => !alone.has(name)));
  say('prod stands beside it');
  await goesBack(emulator, prodUrl, say);
  await putFile(emulator, `counterfoil-dev-reports-${account}-${region}`);
  await destroy(emulator, dev.assembly);
  await healthy(prodUrl);
  const left = (await held(emulator)).filter(
    (name) => !before.has(name) && !ofProd.has(name) && !ofBootstrap.test(name) && !ofEmptying.test(name),
  );
  if (left.length > 0) throw new Error(`dev was destroyed and left ${left.join(', ')}`);
  say('dev is gone without leftovers');
  const kept = await refusalOf(destroy(emulator, prod));
  if (!/protect/i.test(kept))
    throw new Error(`prod was destroyed like a dev stage, or refused otherwise: ${kept.slice(-500)}`);
  await healthy(prodUrl);
}

/** The previous release, by its own code, which this one is then deployed over. */
async function deployPrevious(emulator: Emulator, say: (line: string) => void): Promise<void> {
  const tag = await releasedTag();
  if (tag === undefined) return say('there is no release before this one');
  const folder = await exportOf(tag, join(emulator.home, 'previous'), say);
  await bootstrap(emulator);
  await deploy(emulator, await synthesize(emulator, 'dev-previous', { profile: 'dev' }, folder));
  say(`${tag} was deployed`);
}

/** A dev stage in which tests need not wait for the rate limit of their address. */
async function deployToTest(emulator: Emulator, folder?: string, release = 'next') {
  const settings = { profile: 'dev', RATE_LIMIT_PER_MINUTE: '1000000', release };
  const assembly = await synthesize(emulator, `dev-${release}`, settings, folder);
  const outputs = await deploy(emulator, assembly);
  const baseUrl = baseUrlOf(emulator, outputs, 'dev');
  await healthy(baseUrl, release);
  return { dev: { assembly, outputs }, baseUrl };
}

const testHttp = (emulator: Emulator, baseUrl: string, key: string, files: string[]): Promise<string> =>
  run(emulator, 'npm', [
    'run',
    '--silent',
    'test:e2e',
    '--',
    '--short',
    '--at-once',
    '3',
    '--url',
    baseUrl,
    '--app-key',
    key,
    ...files,
  ]);

/** What the emulator cannot carry, by the file that tries it. */
const leftOut = new Set([
  'hot-product.test.ts', // Sixty buyers at once are more than ten functions.
  'http.test.ts', // A browser's question about methods is answered by MiniStack, with 403.
  'bad-input.test.ts', // So is a body of 11 MB, with 400.
  'revocation.test.ts', // Counts every answer, and ten functions refuse some.
  'audit.test.ts', // MiniStack hands lines of a log to a function once, and not again when ten others run.
]);

async function suite(emulator: Emulator, say: (line: string) => void): Promise<void> {
  await emulator.addDatabase('dev');
  await bootstrap(emulator);
  const { dev, baseUrl } = await deployToTest(emulator);
  const files = (await readdir(join(root, 'test/e2e'))).filter(
    (file) => file.endsWith('.test.ts') && !leftOut.has(file),
  );
  await testHttp(emulator, baseUrl, await makeKey(emulator, dev.outputs, 'dev'), files);
  say(`${files.length} files of the end-to-end suite passed`);
}

export const scenes: Scene[] = [
  { name: 'first-order', play: firstOrder },
  { name: 'page-dev', nightly: true, play: pageOfDev },
  { name: 'page-prod', nightly: true, canarySeconds: 1, concurrency: 1000, play: pageOfProd },
  { name: 'suite', nightly: true, play: suite },
  { name: 'canary', nightly: true, play: canary },
  { name: 'back', nightly: true, canarySeconds: 1, play: back },
  ...(['dev', 'staging', 'small', 'prod'] as const).map((profile) => ({
    name: `settings-${profile}` as const,
    nightly: true as const,
    canarySeconds: 1,
    play: (emulator: Emulator, say: (line: string) => void) => changeSettings(profile, emulator, say),
  })),
];
