import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type OutputFile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentation, leanContract } from '../../infra/bundle/lean-contracts.ts';
import { handlerOptions, root } from '../../infra/bundle/options.ts';

const folder = join(root, 'lib/contract/api');
/** All but the table of all of them, which no handler imports. */
const contracts = readdirSync(folder).filter((file) => /^[^.]+\.ts$/.test(file) && file !== 'operations.ts');

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'counterfoil-lean-test-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('contracts in a bundle are those of the source, without what only documents them', async () => {
  const everything = contracts.map((file) => `export * as ${JSON.stringify(file)} from '${join(folder, file)}';`);
  const lean = await import(await bundled('everything', everything.join('\n')));
  for (const file of contracts) {
    const source: Record<string, unknown> = await import(join(folder, file));
    expect(outline(lean[file]), file).toEqual(outline(source));
  }
});

test('a handler’s bundle makes no schema but those of its own input', async () => {
  const { text } = await bundle('one', `export { listRefunds } from '${join(folder, 'refunds.ts')}';`);
  expect(text.match(/"?productId"?:/g) ?? []).toEqual([]);
  expect(text).toContain('orderId');
  expect(text).not.toContain('summary:"');
});

test('lines of a lean contract are those of its source, for stack traces', () => {
  const source = [
    'export const get = {',
    "  summary: 'Get it',",
    '  description:',
    "    'long ' +",
    "    'words',",
    '  responses: { 200: z.object({}) },',
    '} as const;',
    'const later = f();',
  ];
  const lines = leanContract(source.join('\n')).split('\n');
  expect(lines).toHaveLength(source.length);
  expect(lines.at(-1)).toBe('const later = /* @__PURE__ */ (() => (f()))();');
  expect(leanContract('const shape = { summary: a(), description: b() };')).toContain('a(), description: b()');
});

/** What a module exports: of operations the input, of schemas their definitions. */
const outline = (module: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(module).map(([name, value]) => [name, isOperation(value) ? inputsOf(value) : shape(value)]),
  );

const isOperation = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && 'summary' in value && 'responses' in value;

const inputsOf = (operation: Record<string, unknown>) =>
  Object.entries(operation)
    .filter(([name]) => !documentation.some((each) => each === name))
    .map(([name, value]) => [name, shape(value)]);

/** Without functions: a schema that was used has more of them. */
const shape = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, each) => (each instanceof RegExp ? String(each) : each));

const bundle = async (name: string, contents: string): Promise<OutputFile> =>
  (
    await build({
      ...handlerOptions(),
      stdin: { contents, resolveDir: root, loader: 'ts' },
      outfile: join(work, `${name}.mjs`),
      write: false,
    })
  ).outputFiles[0]!;

async function bundled(name: string, contents: string): Promise<string> {
  const { path, text } = await bundle(name, contents);
  writeFileSync(path, text);
  return path;
}
