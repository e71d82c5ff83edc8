import type { Profile } from '../../infra/profiles.ts';
import { settingsOf, shopBus } from '../infra/settings-table.ts';
import { run } from './command.ts';
import { account, type Emulator } from './emulator.ts';
import { paste } from './guide.ts';
import { makeBus } from './held.ts';
import { baseUrlOf, bootstrap, deploy, healthy, prodSettings, refusalOf, synthesize } from './stages.ts';

/** Updates a stage from each of its settings to each other one, and asks whether it is well each time. */
export async function changeSettings(
  profile: Profile['name'],
  emulator: Emulator,
  say: (line: string) => void,
): Promise<void> {
  await emulator.addDatabase(profile);
  await bootstrap(emulator);
  await makeBus(emulator, shopBus);
  const { mailFrom, ...stripe } = prodSettings;
  const usual = { dev: {}, staging: {}, small: stripe, prod: prodSettings }[profile];
  const assemblies: string[] = [];
  const names = Object.keys(settingsOf[profile]);
  for (const [index, settings] of Object.values(settingsOf[profile]).entries())
    assemblies.push(
      await synthesize(emulator, `settings-${index}`, { ...usual, ...settings, profile, release: `${index}` }),
    );
  for (const index of throughEachPair(assemblies.length)) {
    const outputs = await deploy(emulator, assemblies[index]!);
    await healthy(baseUrlOf(emulator, outputs, profile), `${index}`);
    say(`${profile} has ${names[index]}`);
  }
  if (profile === 'dev') await moveLoginPage(emulator, say);
}

/** Another login page is refused, and then made by the commands of docs/deploy.md. */
async function moveLoginPage(emulator: Emulator, say: (line: string) => void): Promise<void> {
  const settings = { profile: 'dev', identityDomain: 'tea-shop' };
  const why = await refusalOf(deploy(emulator, await synthesize(emulator, 'login-page', settings)));
  if (!/FirstLoginPage/.test(why)) throw new Error(`another login page was not refused: ${why.slice(-500)}`);
  const pools = await run(emulator, 'aws', [
    'cognito-idp',
    'list-user-pools',
    '--max-results',
    '9',
    '--output',
    'json',
  ]);
  const [{ Id }] = (JSON.parse(pools) as { UserPools: [{ Id: string }] }).UserPools;
  const variables = { POOL: Id, OLD: `counterfoil-dev-${account}`, NEW: 'tea-shop' };
  const printed = await paste(emulator, 'docs/deploy.md', 'login page', { variables });
  if (!/https:\/\/tea-shop\./.test(printed)) throw new Error(`it has no new login page: ${printed.slice(-500)}`);
  say('another login page was refused, and made by the commands of docs/deploy.md');
}

/** A walk from the first of some to each other from each: every ordered pair once. */
function throughEachPair(count: number): number[] {
  const walk: number[] = [];
  for (let from = 0; from < count; from++) for (let to = from + 1; to < count; to++) walk.push(from, to);
  return [...walk, 0];
}
