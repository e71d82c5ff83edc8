import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What the browser gets, by its path. It is read, and bundled, at each request, so a reload shows a change. */
export const pages: Readonly<Record<string, { type: string; read: () => Promise<string> }>> = {
  '/reports': {
    type: 'text/html; charset=utf-8',
    read: () => readFile(join(import.meta.dirname, 'index.html'), 'utf8'),
  },
  '/reports/style.css': { type: 'text/css; charset=utf-8', read: () => bundle('style.css') },
  '/reports/page.js': { type: 'text/javascript; charset=utf-8', read: () => bundle('page.ts') },
};

/** The chart and all else is in the bundle: the page asks nobody but the API. */
async function bundle(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, name)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

export { policy } from '../back-office/pages.ts';
