import type { Profile } from '../../infra/profiles.ts';
import { settingsOf } from '../infra/settings-table.ts';
import type { Emulator } from './emulator.ts';
import { baseUrlOf, bootstrap, deploy, healthy, prodSettings, synthesize } from './stages.ts';

/** Updates a stage from each of its settings to each other one, and asks whether it is well each time. */
export async function changeSettings(
  profile: Profile['name'],
  emulator: Emulator,
  say: (line: string) => void,
): Promise<void> {
  await emulator.addDatabase(profile);
  await bootstrap(emulator);
  const { mailFrom, ...stripe } = prodSettings;
  const usual = { dev: {}, staging: {}, small: stripe, prod: prodSettings }[profile];
  const assemblies: string[] = [];
  const names = Object.keys(settingsOf[profile]);
  for (const [index, settings] of Object.values(settingsOf[profile]).entries())
    assemblies.push(await synthesize(emulator, `settings-${index}`, { ...usual, ...settings, profile }));
  for (const index of throughEachPair(assemblies.length)) {
    const outputs = await deploy(emulator, assemblies[index]!);
    await healthy(baseUrlOf(emulator, outputs, profile));
    say(`${profile} has ${names[index]}`);
  }
}

/** A walk from the first of some to each other from each: every ordered pair once. */
function throughEachPair(count: number): number[] {
  const walk: number[] = [];
  for (let from = 0; from < count; from++) for (let to = from + 1; to < count; to++) walk.push(from, to);
  return [...walk, 0];
}
