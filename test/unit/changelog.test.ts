import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const changelog = readFileSync(resolve(import.meta.dirname, '../../CHANGELOG.md'), 'utf8');
const sections = changelog.split(/^## (?=\[)/m).slice(1);
const known = ['Migrations', 'Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

test.each(sections)('a version has its subsections in order, and Migrations first', (section) => {
  const headings = [...section.matchAll(/^### (.+)$/gm)].map((m) => m[1]!);
  expect(headings[0]).toBe('Migrations');
  expect(headings).toEqual(known.filter((heading) => headings.includes(heading)));
});

test.each(sections)(
  'a version says of each migration what it locks, whether it is safe, and how to go back',
  (section) => {
    const text = section.split(/^### /m).find((part) => part.startsWith('Migrations\n'))!;
    const [heading, , ...rows] = text.split('\n').filter((line) => line.startsWith('|'));
    if (heading === undefined) return expect(text.trim().split('\n').length).toBeGreaterThan(1);
    expect(heading).toBe('| migration | what it does | locks | safe while the previous release serves | to go back |');
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatch(/^\| `\d{4}_\w+` (\| [^|]*[^|\s][^|]* ){4}\|$/);
  },
);
