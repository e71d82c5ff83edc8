import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pages, policy } from './pages.ts';

const usage = `npm run example:reports -- --out DIR

Writes the page of reports as static files. Serve them at the address of the API: see examples/reports/README.md.
`;

/** Writes the page to a folder, as a web server or a bucket serves it. */
export async function buildPage(directory: string): Promise<void> {
  const folder = join(directory, 'reports');
  await mkdir(folder, { recursive: true });
  for (const [path, { read }] of Object.entries(pages)) {
    const name = path === '/reports' ? 'index.html' : path.replace('/reports/', '');
    const content = await read();
    await writeFile(join(folder, name), name === 'index.html' ? withPolicy(content) : content);
  }
}

/** A bucket sets no header fields. What this form of the policy cannot say, that no other page shows this one, is left out. */
function withPolicy(html: string): string {
  const said = policy.replace(/; frame-ancestors [^;]+/, '');
  return html.replace(
    '<meta charset="utf-8">',
    `<meta charset="utf-8">\n    <meta http-equiv="Content-Security-Policy" content="${said}">`,
  );
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
  if (values.out === undefined) {
    console.error(usage);
    process.exitCode = values.help ? 0 : 2;
  } else await buildPage(values.out);
}
