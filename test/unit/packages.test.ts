import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

/* `.npmrc` turns npm's warnings off; the ones that matter are failures here. `.ci/run` looks for the rest. */

type Package = { version?: string; deprecated?: string; hasInstallScript?: boolean };
const read = (file: string): unknown => JSON.parse(readFileSync(resolve(import.meta.dirname, '../..', file), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Record<string, Package> };
const manifest = read('package.json') as Record<string, Record<string, string> | undefined> & {
  allowScripts: Record<string, boolean>;
};
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

test('no package is deprecated', () => {
  const deprecated = Object.entries(packages).filter(([, entry]) => entry.deprecated !== undefined);
  expect(deprecated.map(([path, entry]) => `${path}: ${entry.deprecated}`)).toEqual([]);
});

test('no package runs a script when it is installed', () => {
  const scripted = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript);
  const refused = Object.fromEntries(scripted.map(([path]) => [nameOf(path), false]));
  expect(scripted.length).toBeGreaterThan(3);
  expect(manifest.allowScripts).toEqual(refused);
});

test.each(['dependencies', 'devDependencies', 'optionalDependencies'])('%s are pinned exactly', (kind) => {
  const loose = Object.entries(manifest[kind] ?? {}).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  );
  expect(loose).toEqual([]);
});
