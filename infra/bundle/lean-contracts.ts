import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { parseSync, Visitor } from 'rolldown/utils';

/** What an operation's contract holds for the OpenAPI document alone. No handler reads it. */
export const documentation = ['summary', 'description', 'responses', 'statuses'] as const;

/** What the definition of an event holds for the documentation alone. */
export const eventDocumentation = ['description', 'example'] as const;

/**
 * Leaves out of a bundle what its handler does not need of the contract: the schemas of other operations, of answers and of other events,
 * and the words. To make them all was a fifth of what a function took to start.
 *
 * A schema is made by calls, so esbuild keeps it although nobody uses it. Here the value of each constant becomes a call
 * that is marked as free of side effects, which esbuild drops together with the constant.
 */
export const leanContracts = (): Plugin => ({
  name: 'lean-contracts',
  setup(build) {
    build.onLoad({ filter: /[\\/]lib[\\/]contract[\\/](api|events)[\\/][^.\\/]+\.ts$/ }, async ({ path }) => ({
      contents: leanContract(await readFile(path, 'utf8')),
      loader: 'ts',
    }));
  },
});

type Edit = { start: number; end: number; text: string };

/** The source of a contract with each constant droppable and no documentation. Lines stay where they are. */
export function leanContract(source: string): string {
  const { program } = parseSync('contract.ts', source);
  const edits: Edit[] = [];
  for (const statement of program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type !== 'VariableDeclaration') continue;
    for (const { init } of declaration.declarations) {
      if (init === null || init.type === 'ArrowFunctionExpression') continue;
      edits.push({ start: init.start, end: init.start, text: '/* @__PURE__ */ (() => (' });
      edits.push({ start: init.end, end: init.end, text: '))()' });
    }
  }
  const drop = (value: { start: number; end: number } | undefined) => {
    if (value !== undefined) edits.push({ start: value.start, end: value.end, text: 'undefined' });
  };
  new Visitor({
    ObjectExpression({ properties }) {
      const named = new Map(
        properties.flatMap((each) =>
          each.type === 'Property' && each.key.type === 'Identifier' ? [[each.key.name, each.value] as const] : [],
        ),
      );
      const dropped = named.has('summary') && named.has('responses') ? documentation : [];
      for (const name of dropped) drop(named.get(name));
      if (!named.has('data') || !named.has('example')) return;
      for (const name of eventDocumentation) drop(named.get(name));
    },
    CallExpression({ callee, arguments: given }) {
      // What a field of an event means.
      const said = given[1];
      if (callee.type === 'Identifier' && /^(field|personal)$/.test(callee.name)) drop(said);
    },
  }).visit(program);
  return applied(source, edits);
}

/** From the last edit to the first, so that the places of those to come stay right. What is in a part that another replaces goes with it. */
const applied = (source: string, edits: readonly Edit[]): string =>
  edits
    .filter((edit) => !edits.some(({ start, end }) => start < edit.start && edit.end < end))
    .toSorted((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: by }) => {
      const lineEnds = text.slice(start, end).replace(/[^\n]/g, '');
      return text.slice(0, start) + by + lineEnds + text.slice(end);
    }, source);
