import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetAliasCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { functionNameOf } from '../../infra/constructs/names.ts';
import { liveAlias } from '../../lib/contract/deploy/route.ts';
import { copyOf } from '../drill/releases.ts';
import { CommandFailed, run } from './command.ts';
import { account, type Emulator, region } from './emulator.ts';
import { held, ofEmptying, putFile } from './held.ts';
import {
  baseUrlOf,
  bootstrap,
  deploy,
  destroy,
  healthy,
  makeKey,
  prodSettings,
  refusalOf,
  synthesize,
} from './stages.ts';
import { watchAlarms } from './watch.ts';

type Say = (line: string) => void;

/** A release whose orders crash goes back by itself, and the fix that follows is not held up. */
export async function canary(emulator: Emulator, say: Say): Promise<void> {
  await emulator.addDatabase('prod');
  await bootstrap(emulator);
  const assembly = await synthesize(emulator, 'one', prodSettings);
  const baseUrl = baseUrlOf(emulator, await deploy(emulator, assembly), 'prod');
  await healthy(baseUrl);
  await goesBack(emulator, baseUrl, say);
  const before = await liveVersion(emulator);
  await deploy(emulator, await released(emulator, 'mended', 'globalThis.planted = true;'));
  if ((await liveVersion(emulator)) === before) throw new Error('the fix was not deployed');
  await healthy(baseUrl);
  say('the fix was deployed by the same canary');
}

/** Deploys a release whose orders crash over `prod`: its canary goes back, and the stack with it. */
export async function goesBack(emulator: Emulator, baseUrl: string, say: Say): Promise<void> {
  const before = await liveVersion(emulator);
  const broken = await released(emulator, 'broken', "throw new Error('planted');");
  const watching = new AbortController();
  const asked = { well: 0, badly: 0 };
  const alarms = watchAlarms(emulator, /canary|Failing|Crashing/i, watching.signal);
  const orders = order(baseUrl, asked, () => !watching.signal.aborted);
  try {
    const failed = await deploy(emulator, broken).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(failed instanceof CommandFailed) || !/rolled back, because of the alarm/.test(failed.output))
      throw new Error(`the deployment of the broken release did not end by an alarm: ${String(failed).slice(-1000)}`);
  } finally {
    watching.abort();
    await Promise.allSettled([orders, alarms]);
  }
  say(
    `the broken release failed ${asked.badly} of ${asked.badly + asked.well} orders, and rang ${(await alarms).join(', ')}`,
  );
  if (asked.badly > asked.well) throw new Error('the canary got more than its share');
  if ((await liveVersion(emulator)) !== before) throw new Error('the alias did not go back');
  const after = { well: 0, badly: 0 };
  await order(baseUrl, after, () => after.well + after.badly < 30);
  if (after.badly > 0) throw new Error(`${after.badly} of 30 orders fail after the rollback`);
  say('its canary went back, and the stack with it');
}

/** The templates of a release that differs from this one by a line at the head of the function that places orders. */
async function released(emulator: Emulator, name: string, line: string): Promise<string> {
  const folder = await copyOf(join(emulator.home, `release-${name}`));
  const file = join(folder, 'functions/http/place-order.ts');
  await writeFile(file, `${line}\n${await readFile(file, 'utf8')}`);
  const assembly = await synthesize(emulator, name, prodSettings, folder);
  await rm(folder, { recursive: true, force: true });
  return assembly;
}

/** Orders without credentials, which a version that works refuses. */
async function order(baseUrl: string, asked: { well: number; badly: number }, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    const response = await fetch(`${baseUrl}/orders`, { method: 'POST', body: '{}' });
    await response.arrayBuffer();
    if (response.status < 500) asked.well++;
    else asked.badly++;
    await sleep(50);
  }
}

export async function liveVersion({ endpoint, environment }: Emulator): Promise<string> {
  const credentials = {
    accessKeyId: environment.AWS_ACCESS_KEY_ID!,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
  };
  const lambda = new LambdaClient({ endpoint, region, credentials });
  const FunctionName = functionNameOf('prod', 'http/place-order');
  const alias = await lambda.send(new GetAliasCommand({ FunctionName, Name: liveAlias }));
  lambda.destroy();
  if (Object.keys(alias.RoutingConfig?.AdditionalVersionWeights ?? {}).length > 0)
    throw new Error('the alias still sends a share to another version');
  return alias.FunctionVersion!;
}

/** One command goes back to a commit; and a stage that was destroyed can be deployed again. */
export async function back(emulator: Emulator, say: Say): Promise<void> {
  await emulator.addDatabase('staging');
  const settings = { profile: 'staging', release: 'next' };
  const assembly = await synthesize(emulator, 'next', settings);
  await bootstrap(emulator);
  const empty = new Set(await held(emulator));
  const baseUrl = baseUrlOf(emulator, await deploy(emulator, assembly), 'staging');
  await healthy(baseUrl, 'next');
  const steps = ['--step', 'synth', '--step', 'diff', '--step', 'deploy'];
  const release = ['run', '--silent', 'release', '--', '--stage', 'staging', '--to', 'HEAD', '-c', 'release=before'];
  await run(emulator, 'npm', [...release, ...steps]);
  await healthy(baseUrl, 'before');
  say('one command brought the release of a commit back');
  const elsewhere = { ...settings, zones: 'eu-west-1b,eu-west-1c' };
  const moved = await refusalOf(deploy(emulator, await synthesize(emulator, 'elsewhere', elsewhere)));
  if (!/FirstZones/.test(moved))
    throw new Error(`a stage was moved to other zones, or refused otherwise: ${moved.slice(-500)}`);
  await healthy(baseUrl, 'before');
  say('other zones were refused');
  for (const bucket of ['reports', 'warehouse'])
    await putFile(emulator, `counterfoil-staging-${bucket}-${account}-${region}`);
  await destroy(emulator, assembly);
  const left = (await held(emulator)).filter((name) => !empty.has(name) && !ofEmptying.test(name));
  if (left.length > 0) throw new Error(`it was destroyed and left ${left.join(', ')}`);
  await emulator.addDatabase('staging');
  const again = await deploy(emulator, assembly);
  await healthy(baseUrlOf(emulator, again, 'staging'), 'next');
  await makeKey(emulator, again, 'staging');
  say('it was destroyed and deployed again');
}
