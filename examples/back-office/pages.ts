import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What the browser gets, by its path. It is read, and bundled, at each request, so a reload shows a change. */
export const pages: Readonly<Record<string, { type: string; read: () => Promise<string> }>> = {
  '/admin': { type: 'text/html; charset=utf-8', read: file('index.html') },
  '/admin/style.css': { type: 'text/css; charset=utf-8', read: file('style.css') },
  '/admin/page.js': { type: 'text/javascript; charset=utf-8', read: bundle },
};

/** The page asks the address alone that it came from: that of the API. */
export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function file(name: string): () => Promise<string> {
  return () => readFile(join(import.meta.dirname, name), 'utf8');
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}
