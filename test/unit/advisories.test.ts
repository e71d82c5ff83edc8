import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAdvisories } from '../../infra/tools/advisories.ts';

let folder: string;
let database: string;
const content = Buffer.from('PK\u0003\u0004 advisories', 'latin1');
const sha256 = createHash('sha256').update(content).digest('hex');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'advisories-'));
  database = join(folder, 'copied.zip');
  await writeFile(database, content);
});
afterAll(() => rm(folder, { recursive: true }));

/** A scanner that notes how it was called, and ends with a code. */
const scanner = async (code: number): Promise<string> => {
  const file = join(folder, `scanner-${code}`);
  await writeFile(
    file,
    `#!/bin/sh
echo "$@" >${folder}/arguments
for last; do :; done
cp "$last" ${folder}/asked.json
cmp "$OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY/osv-scanner/npm/all.zip" ${database} || exit 200
exit ${code}
`,
  );
  await chmod(file, 0o755);
  return file;
};

const run = async (...args: string[]) => {
  const lines: string[] = [];
  return { code: await runAdvisories(args, (line) => lines.push(line)), said: lines.join('\n') };
};

test.each([
  [0, 0],
  [1, 1],
  [127, 3],
  [128, 3],
])('a scanner that ends with %i makes it end with %i', async (code, expected) => {
  expect(await run('--database', database, '--sha256', sha256, '--scanner', await scanner(code))).toEqual({
    code: expected,
    said: '',
  });
});

test('the scanner asks nobody, and looks for what is deployed', async () => {
  await run('--database', database, '--scanner', await scanner(0));
  expect(await readFile(join(folder, 'arguments'), 'utf8')).toMatch(
    /^scan source --offline -L .*\/deployed\.cdx\.json\n$/,
  );
  const { components } = JSON.parse(await readFile(join(folder, 'asked.json'), 'utf8')) as {
    components: { purl: string }[];
  };
  const names = components.map(({ purl }) => purl.replace(/@[^@]*$/, ''));
  expect(names).toContain('pkg:npm/postgres');
  expect(names).not.toContain('pkg:npm/vitest');
});

test('another database than the one that is named is not taken', async () => {
  const other = await run('--database', database, '--sha256', '0'.repeat(64), '--scanner', await scanner(0));
  expect(other).toEqual({ code: 2, said: `${database} has the digest ${sha256}, not ${'0'.repeat(64)}.` });
  const page = join(folder, 'page.zip');
  await writeFile(page, '<html>no such file</html>');
  expect(await run('--database', page)).toEqual({ code: 2, said: `${page} is no zip file with advisories in it.` });
  expect(await run('--database', join(folder, 'none.zip'))).toMatchObject({
    code: 2,
    said: expect.stringContaining('cannot be read'),
  });
});

test('a command line that cannot be run says why', async () => {
  expect(await run()).toMatchObject({ code: 2, said: expect.stringContaining('--database is missing.') });
  expect(await run('--databse', 'x')).toMatchObject({ code: 2, said: expect.stringContaining('--databse') });
  expect(await run('--help')).toMatchObject({ code: 0 });
  const missing = await run('--database', database, '--scanner', join(folder, 'nothing'));
  expect(missing).toMatchObject({ code: 2, said: expect.stringContaining('cannot be run') });
});
