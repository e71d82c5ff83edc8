import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { parseSync, Visitor } from 'rolldown/utils';

/**
 * Leaves a handler those rows of `functions/routes.ts` and of the other tables of handlers that it names, such as `routes['place-order']`.
 * The tables are for who deploys the functions: that of the routes has 16 KB. Rows must be JSON. A handler that uses a table in any
 * other way gets it whole.
 */
export const ownRows = (): Plugin => ({
  name: 'own-rows',
  setup(build) {
    build.onResolve(
      { filter: /^\.\.\/(routes|steps|jobs|streams|consumers)\.ts$/ },
      async ({ path, importer, resolveDir }) => {
        const table = path.slice('../'.length, -'.ts'.length);
        const names = namesIn(await readFile(importer, 'utf8'), table);
        if (names === undefined) return undefined;
        return {
          path: `${join(resolveDir, path)}?${names.join('&')}`,
          namespace: 'own-rows',
          pluginData: { table, names },
        };
      },
    );
    build.onLoad({ filter: /./, namespace: 'own-rows' }, async ({ path, pluginData: { table, names } }) => {
      const { [table]: all } = await import(pathToFileURL(path.slice(0, path.lastIndexOf('?'))).href);
      const rows = Object.fromEntries((names as string[]).map((name) => [name, all[name]]));
      return { contents: `export const ${table} = ${JSON.stringify(rows)};`, loader: 'js' };
    });
  },
});

/** The rows of a table that a source names; undefined when it may use others, or imports something else beside the table. */
export function namesIn(source: string, table: string): string[] | undefined {
  const { program } = parseSync('handler.ts', source);
  const names = new Set<string>();
  const known = new Set<unknown>();
  let others = 0;
  new Visitor({
    ImportDeclaration({ source: { value }, specifiers }) {
      if (value === `../${table}.ts` && specifiers.length !== 1) others += 1;
    },
    ImportSpecifier({ imported, local }) {
      known.add(imported).add(local);
    },
    MemberExpression({ object, property, computed }) {
      if (object.type !== 'Identifier' || object.name !== table) return;
      if (!computed && property.type === 'Identifier') names.add(property.name);
      else if (property.type === 'Literal' && typeof property.value === 'string') names.add(property.value);
      else return;
      known.add(object);
    },
    Identifier(node) {
      if (node.name === table && !known.has(node)) others += 1;
    },
  }).visit(program);
  return others === 0 ? [...names].sort() : undefined;
}
