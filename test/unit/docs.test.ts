import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { transitions } from '../../lib/shop/orders/transitions.ts';
import { definitions } from '../support/definitions.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  'examples/back-office/README.md',
  'examples/choreography/README.md',
  'examples/reports/README.md',
  'examples/web-shop/README.md',
  'examples/whole-shop/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

describe('every page', () => {
  test.each(pages)('%s links only to what is there', (page) => {
    const broken = linksOf(page).filter(({ file, heading }) => {
      if (!existsSync(join(root, file))) return true;
      return heading !== undefined && !headingsOf(file).includes(heading);
    });
    expect(broken.map(({ link }) => link)).toEqual([]);
  });

  test.each(pages)('%s names only npm scripts that exist', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(page).matchAll(/\bnpm (?:run ([a-z][a-z0-9:-]*)|(start|test)\b)/g)].map(
      (m) => m[1] ?? m[2]!,
    );
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  test('the README sends its readers to the two commands and to every guide', () => {
    const readme = read('README.md');
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
    const linked = new Set(linksOf('README.md').map(({ file }) => file));
    const guides = pages.filter((page) => /^docs\/(how-to\/)?[^/]+\.md$/.test(page));
    expect(guides.filter((guide) => !linked.has(guide))).toEqual([]);
  });

  test('every decision is in the index', () => {
    const linked = new Set(linksOf('docs/decisions/README.md').map(({ file }) => file));
    const decisions = pages.filter((page) => /^docs\/decisions\/\d{4}-/.test(page));
    expect(decisions.filter((page) => !linked.has(page))).toEqual([]);
    const numbers = decisions.map((page) => /\d{4}/.exec(page)![0]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe('a page that leads through the code', () => {
  const guides = pages.filter((page) => /^docs\/(architecture|saga|decisions\/.+)\.md$/.test(page));

  test.each(guides)('%s names only files that exist', (page) => {
    const named = [...read(page).matchAll(/`((?:\.ci|functions|lib|infra|test|docs)\/[\w./-]*)`/g)].map((m) => m[1]!);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test.each(guides)('%s names functions where they stand', (page) => {
    const named = [...read(page).matchAll(/`(\w+)`\s+in\s+`([\w./-]+\.(?:ts|sql|json))`/g)];
    const gone = named.filter(([, name, file]) => !new RegExp(`\\b${name}\\b`).test(read(file!)));
    expect(gone.map(([text]) => text)).toEqual([]);
  });

  test('the architecture page names files and functions at all', () => {
    expect([...read('docs/architecture.md').matchAll(/`\w+`\s+in\s+`[\w./-]+\.ts`/g)].length).toBeGreaterThan(10);
  });
});

describe('the page of the saga', () => {
  test.each(Object.entries(definitions))('draws the transitions of %s, all of them and no others', (_, definition) => {
    const { StartAt, States } = definition;
    const expected = [`[*] --> ${StartAt}`];
    for (const [name, state] of Object.entries(States)) {
      const next = [
        state.Next,
        state.Default,
        ...[...(state.Choices ?? []), ...(state.Catch ?? [])].map((c) => c.Next),
      ];
      expected.push(...next.filter((to) => to !== undefined).map((to) => `${name} --> ${to}`));
      if (state.Type === 'Succeed' || state.Type === 'Fail' || state.End) expected.push(`${name} --> [*]`);
    }
    expect(arrowsOf('docs/saga.md', StartAt)).toEqual([...new Set(expected)].sort());
  });

  test('says after how long an execution ends', () => {
    const hours = Object.values(definitions).map(({ TimeoutSeconds = 0 }) => TimeoutSeconds / 3600);
    expect(hours).toEqual([2, 2, 2, 2]);
    expect(read('docs/saga.md')).toContain('An execution times out after two hours.');
  });

  test('draws the transitions of an order', () => {
    const expected = ['[*] --> pending'];
    for (const [from, tos] of Object.entries(transitions)) {
      expected.push(...tos.map((to) => `${from} --> ${to}`));
      if (tos.length === 0 || from === 'confirmed') expected.push(`${from} --> [*]`);
    }
    expect(arrowsOf('docs/saga.md', 'pending')).toEqual(expected.sort());
  });
});

describe('the table of settings', () => {
  afterEach(() => vi.unstubAllEnvs());

  const source = read('lib/platform/config.ts');
  const variables = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map((m) => m[1]!);
  const rows = [...read('docs/configuration.md').matchAll(/^\| `([A-Z][A-Z0-9_]+)` \| ([^|]+?) \| ([^|]+?) \|/gm)].map(
    ([, name, fallback, laptop]) => ({ name: name!, fallback: fallback!, laptop: laptop! }),
  );
  const rowOf = (name: string) => rows.find((row) => row.name === name);

  test('has every variable of the functions, with the default that the code has', async () => {
    for (const name of variables) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    const { config } = await import('../../lib/platform/config.ts');
    const defaults: Record<string, unknown> = config();
    const expected = variables.map((name) => {
      const fallback = name === 'AWS_REGION' ? undefined : defaults[name];
      return { name, fallback: fallback === undefined ? '—' : fallback === '' ? 'empty' : `\`${fallback}\`` };
    });
    expect(variables.length).toBeGreaterThan(20);
    expect(variables.map((name) => ({ name, fallback: rowOf(name)?.fallback }))).toEqual(expected);
  });

  test('marks those that npm start takes from the environment', () => {
    const taken = /const names = \[([^\]]+)\]/.exec(read('infra/local/main.ts'))?.[1];
    const expected = [...taken!.matchAll(/'(\w+)'/g)].map((m) => m[1]!);
    expect(rows.filter(({ laptop }) => laptop.startsWith('yours')).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['PORT', ...expected]),
    );
    for (const { name, laptop } of rows)
      if (laptop.startsWith('yours'))
        expect(['PORT', 'HOST', 'IDENTITY_PORT', 'DEBUG', 'RECORD_CALLS', ...expected], name).toContain(name);
  });
});

/** Arrows of the Mermaid diagram that knows a state, without their labels, sorted. */
function arrowsOf(page: string, state: string): string[] {
  const diagrams = [...read(page).matchAll(/```mermaid\n([\s\S]*?)```/g)].map((m) => m[1]!);
  const diagram = diagrams.find((text) => text.includes(`[*] --> ${state}`)) ?? '';
  return [...new Set([...diagram.matchAll(/^\s*(\S+ --> \S+?)(?:\s*:.*)?$/gm)].map((m) => m[1]!))].sort();
}

/** Relative links of a page as paths in the repository, with the heading that they lead to. */
function linksOf(page: string) {
  const text = read(page).replace(/```[\s\S]*?```/g, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((m) => m[1]!).filter((link) => !/^[a-z]+:/.test(link));
  return links.map((link) => {
    const [path = '', heading] = link.split('#');
    const file = path === '' ? page : relative(root, resolve(root, dirname(page), path));
    return { link, file, heading };
  });
}

/** Anchors of a page's headings as GitHub makes them. */
function headingsOf(page: string): string[] {
  return [...read(page).matchAll(/^#{1,6} (.+)$/gm)].map((m) =>
    m[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}
