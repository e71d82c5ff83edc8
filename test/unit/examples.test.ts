import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const folder = resolve(import.meta.dirname, '../../examples');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !/(^|\/)(node_modules|generated)\//.test(name),
);

test('the examples use the API alone, and none of the code behind it', () => {
  const imports = files.flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/\bfrom '(\.[^']+)'/g)].map((m) => ({
      file,
      target: resolve(folder, dirname(file), m[1]!),
    })),
  );
  expect(imports.length).toBeGreaterThan(10);
  expect(imports.filter(({ target }) => !target.startsWith(`${folder}/`))).toEqual([]);
});
