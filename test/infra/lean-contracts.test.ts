import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type OutputFile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentation, eventDocumentation, leanContract } from '../../infra/bundle/lean-contracts.ts';
import { handlerOptions, root } from '../../infra/bundle/options.ts';
import type { EventDefinition } from '../../lib/contract/events/define-event.ts';

const folder = join(root, 'lib/contract');
/** All but the table of all of them, which no handler imports. */
const contracts = ['api', 'events']
  .flatMap((part) => readdirSync(join(folder, part)).map((file) => `${part}/${file}`))
  .filter((file) => /\/[^.]+\.ts$/.test(file) && file !== 'api/operations.ts');

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
  const { text } = await bundle('one', `export { listRefunds } from '${join(folder, 'api/refunds.ts')}';`);
  expect(text.match(/"?productId"?:/g) ?? []).toEqual([]);
  expect(text).toContain('orderId');
  expect(text).not.toContain('summary:"');
});

test('a handler’s bundle makes no event but those that it writes, and no words about them', async () => {
  const { text } = await bundle('event', `export { stockBack } from '${join(folder, 'events/domain-events.ts')}';`);
  expect(text).toContain('stock.back');
  for (const other of ['order.placed', 'Id of the product', 'can be ordered again']) expect(text).not.toContain(other);
});

test('personal data stay marked in a lean contract', async () => {
  const file = join(folder, 'events/domain-events.ts');
  const lean = await import(await bundled('personal', `export * from '${file}';`));
  const source: Record<string, unknown> = await import(file);
  const { orderPlaced } = source as { orderPlaced: EventDefinition };
  const event = { type: 'order.placed', data: orderPlaced.example };
  const without = (module: Record<string, unknown>) => (module.withoutPersonalData as (each: object) => object)(event);
  expect(without(lean)).toEqual(without(source));
  expect(without(lean)).not.toEqual(event);
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
  const nested = "const get = { summary: 'x', responses: { 200: z.object({ a: field(b, 'of a') }) } };";
  expect(leanContract(nested)).toContain('{ summary: undefined, responses: undefined }');
  expect(leanContract('const shape = { summary: a(), description: b() };')).toContain('a(), description: b()');
});

/** What a module exports: of operations the input, of events their schemas, of schemas their definitions. */
const outline = (module: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(module).map(([name, value]) => [
      name,
      isOperation(value)
        ? parts(value, documentation)
        : isEvent(value)
          ? parts(value, eventDocumentation)
          : Array.isArray(value) && value.every(isEvent)
            ? value.map((each) => parts(each, eventDocumentation))
            : shape(value),
    ]),
  );

const isEvent = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && 'type' in value && 'version' in value && 'data' in value;

const isOperation = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && 'summary' in value && 'responses' in value;

const parts = (whole: Record<string, unknown>, left: readonly string[]) =>
  Object.entries(whole)
    .filter(([name]) => !left.includes(name))
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
