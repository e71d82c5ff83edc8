import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { jobs } from '../../functions/jobs.ts';
import { handlerOptions, root } from './options.ts';

/** A bundled handler: the folder of its Lambda package, and what its module consists of. */
export type Bundle = { directory: string; bytes: number; metafile: Metafile };

/** Folders that a handler reads at run time. They are copied next to its bundle. */
const shippedBeside: Readonly<Record<string, string>> = {
  [jobs.migrate.handler]: 'lib/database/migrations',
  [jobs['migrate-data'].handler]: 'lib/database/migrations',
};

/** A source that cannot be bundled. The message is esbuild's, with file and line. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
}

/** Bundles one handler, `http/place-order`, into `<outdir>/http/place-order/index.mjs`. */
export async function bundleHandler(handler: string, outdir: string): Promise<Bundle> {
  return (await bundleHandlers({ [handler]: `functions/${handler}.ts` }, outdir)).get(handler)!;
}

/**
 * Bundles many handlers in one run of esbuild. Each bundle is complete. The same sources make the same bytes, so an
 * unchanged function is not deployed again. Source maps, for stack traces of minified code, go to `<outdir>/maps`.
 * @param entries handler → its source, relative to the repository
 * @throws BundleError naming what cannot be bundled and why
 */
export async function bundleHandlers(
  entries: Readonly<Record<string, string>>,
  outdir: string,
  options: BuildOptions = { ...handlerOptions(), sourcemap: 'external', sourcesContent: false },
): Promise<Map<string, Bundle>> {
  const entryPoints = Object.entries(entries).map(([handler, source]) => ({ in: source, out: `${handler}/index` }));
  const { outputFiles, metafile } = await build({
    ...options,
    entryPoints,
    outdir,
    write: false,
    metafile: true,
  }).catch((cause) => {
    throw new BundleError(String(cause.message), { cause });
  });
  await Promise.all(
    outputFiles.map(async ({ path, contents }) => {
      const target = path.endsWith('.map') ? join(outdir, 'maps', relative(outdir, path)) : path;
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, contents);
    }),
  );
  const bundles = new Map<string, Bundle>();
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (file.endsWith('.map')) continue;
    const directory = dirname(join(root, file));
    const handler = relative(outdir, directory);
    bundles.set(handler, { directory, bytes: output.bytes, metafile: { inputs: {}, outputs: { [file]: output } } });
  }
  await Promise.all(
    Object.entries(shippedBeside)
      .filter(([handler]) => bundles.has(handler))
      .map(([handler, folder]) =>
        cp(join(root, folder), join(bundles.get(handler)!.directory, folder.split('/').at(-1)!), { recursive: true }),
      ),
  );
  return bundles;
}
