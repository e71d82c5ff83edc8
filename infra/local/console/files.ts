import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import type { File } from './server.ts';

const folder = join(import.meta.dirname, 'page');
const require = createRequire(import.meta.url);

/** A file of a package, beside what its main entry is. */
const inPackage = (entry: string, name: string) => join(dirname(require.resolve(entry)), name);

const vendor: Record<string, () => string> = {
  'vendor/preact.js': () => inPackage('preact', 'preact.mjs'),
  'vendor/hooks.js': () => inPackage('preact/hooks', 'hooks.mjs'),
  'vendor/htm.js': () => inPackage('htm', 'htm.module.js'),
  'vendor/uplot.js': () => inPackage('uplot', 'uPlot.esm.js'),
};

/** Modules of other places, by how the browser takes the paths that import them: nothing is above its root. */
const shared = new Map([['lib/kernel/money', join(import.meta.dirname, '../../../lib/kernel/money.ts')]]);

const imports = {
  ...Object.fromEntries([...shared.keys()].map((name) => [`/${name}.ts`, `/console/shared/${name}.js`])),
  preact: '/console/vendor/preact.js',
  'preact/hooks': '/console/vendor/hooks.js',
  htm: '/console/vendor/htm.js',
  uplot: '/console/vendor/uplot.js',
};

const types = { js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' };

/**
 * A file of the page by its path: the browser loads the modules as they are, without their types, so nothing has to be built.
 * Files are read at each request, so that a reload shows a change.
 */
export async function pageFile(path: string): Promise<File | undefined> {
  const package_ = vendor[path];
  if (package_ !== undefined) return { type: types.js, content: await readFile(package_()) };
  const [, of = ''] = /^shared\/(.+)\.js$/.exec(path) ?? [];
  const file = shared.get(of);
  if (file !== undefined) return { type: types.js, content: withoutTypes(of, await readFile(file, 'utf8')) };
  const [, name, kind] = /^page\/([a-z0-9-]+)\.(ts|svg)$/.exec(path) ?? [];
  if (name === undefined) return undefined;
  const text = await readFile(join(folder, `${name}.${kind}`), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  if (kind === 'ts') return { type: types.js, content: withoutTypes(name, text) };
  return { type: types.svg, content: text };
}

/** What modules are without their types, as long as they stay as they are. */
const stripped = new Map<string, { text: string; content: string }>();

function withoutTypes(name: string, text: string): string {
  const known = stripped.get(name);
  if (known?.text === text) return known.content;
  const content = stripTypeScriptTypes(text);
  stripped.set(name, { text, content });
  return content;
}

/**
 * The page with its styles and the map of its imports, and a policy under which nothing else than its own files can run or be asked.
 * Nothing has to be asked for before it is painted, and its modules are asked for at once, not as each names the next.
 */
export async function pageHtml(): Promise<{ html: string; headers: Record<string, string> }> {
  const map = JSON.stringify({ imports });
  const [page, names, ...styles] = await Promise.all([
    readFile(join(folder, 'index.html'), 'utf8'),
    readdir(folder),
    readFile(inPackage('uplot', 'uPlot.min.css'), 'utf8'),
    readFile(join(folder, 'style.css'), 'utf8'),
  ]);
  const own = names.filter((name) => name.endsWith('.ts')).map((name) => `/console/page/${name}`);
  const head = [
    `<style>${styles.join('\n')}</style>`,
    `<script type="importmap">${map}</script>`,
    ...[...Object.values(imports), ...own].map((address) => `<link rel="modulepreload" href="${address}">`),
  ];
  const html = page.replace('<!-- the styles, the map of imports, the modules -->', () => head.join('\n'));
  const hash = createHash('sha256').update(map).digest('base64');
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    html,
    headers: {
      'content-security-policy': policy.join('; '),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    },
  };
}
