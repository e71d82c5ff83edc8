import { readFile } from 'node:fs/promises';

/** What may be deployed: licences that ask for a notice at most. */
const deployed = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
];
/** What may build and test, besides: nothing of it is given to anybody. */
const tools = [...deployed, 'CC-BY-4.0', 'CC0-1.0', 'MIT/X11', 'MPL-2.0', 'Python-2.0'];

type Package = { version?: string; license?: string; dev?: boolean; devOptional?: boolean; link?: boolean };
export type Lock = { packages: Record<string, Package> };

/**
 * Packages of a package-lock.json whose licence is not allowed, a sentence each. What is deployed may have fewer licences than
 * what builds and tests.
 */
export function refusedLicences({ packages }: Lock): string[] {
  return Object.entries(packages).flatMap(([path, { version, license, dev, devOptional, link }]) => {
    if (!path.includes('node_modules/') || link) return [];
    const allowed = dev || devOptional ? tools : deployed;
    if (license !== undefined && suits(license, allowed)) return [];
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return [`${name}@${version}: ${license ?? 'no licence'}${dev ? '' : ', and it is deployed'}`];
  });
}

/** Whether one may choose an allowed licence in an SPDX expression. */
const suits = (expression: string, allowed: readonly string[]): boolean =>
  expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((licence) => allowed.includes(licence)));

if (import.meta.main) {
  const lock = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8')) as Lock;
  const refused = refusedLicences(lock);
  for (const line of refused) console.error(line);
  console.log(`${Object.keys(lock.packages).length} packages, ${refused.length} with a licence that is not allowed`);
  process.exitCode = refused.length === 0 ? 0 : 1;
}
