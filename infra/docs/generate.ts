import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildDocument } from '../openapi/document.ts';
import { problemsPage } from './problems-page.ts';
import { sections, withSections } from './sections.ts';

/** Every generated file with its text, by its path in the repository. */
export function generate(): Record<string, string> {
  return {
    'lib/contract/api/assets/openapi.json': `${JSON.stringify(buildDocument(), undefined, 2)}\n`,
    'docs/problems.md': problemsPage(),
    ...Object.fromEntries(Object.keys(sections).map((page) => [page, withSections(page, read(page) ?? '')])),
  };
}

/** Writes what is generated, or with `--check` says which files are not what would be. */
function main(args: string[]): number {
  const check = args.includes('--check');
  const unknown = args.find((arg) => arg !== '--check');
  if (unknown !== undefined) {
    console.error(`npm run docs [-- --check]: ${unknown} is not known`);
    return 2;
  }
  const stale = Object.entries(generate()).filter(([path, text]) => text !== read(path));
  for (const [path, text] of stale) {
    if (!check) writeFileSync(locate(path), text);
    console.log(`${path} ${check ? 'is stale: run "npm run docs" and commit it' : 'written'}`);
  }
  if (stale.length === 0) console.log('the generated files are up to date');
  return check && stale.length > 0 ? 1 : 0;
}

const locate = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function read(path: string): string | undefined {
  try {
    return readFileSync(locate(path), 'utf8');
  } catch {
    return undefined;
  }
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
