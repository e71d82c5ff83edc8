import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const sources = globSync(
  [
    '{lib,functions,infra,test,docs,examples,.github}/**/*.{ts,js,mjs,sql,json,md,yml,yaml,sh,html,css}',
    '*.{md,json,ts}',
    '.ci/*',
  ],
  { cwd: root, exclude: (path) => /node_modules|\.local|generated/.test(String(path)) },
).filter((file) => !['package-lock.json', 'docs/writing.md', 'test/unit/words.test.ts'].includes(file));

/** Private words, and the field's words that replace them: docs/writing.md has the table. */
const words: readonly [word: string, pattern: RegExp][] = [
  ['door', /\bdoors?\b|[a-z]Doors?\b|[dD]oor(?=[A-Z])|doorkeeper/i],
  ['desk', /\bdesks?\b|[a-z]Desk|\bDesk(?=[A-Z])/i],
  ['before a person', /before a person/i],
  ['mirror', /\bmirror(?!s? the)\w*|[a-z]Mirror/],
  ['books', /\b(provider['’]s|order|stock|our) books\b|(order|stock)_books|(Order|Stock)Books|BooksRequest/],
  ['flag an order', /\bflag(s|ged|ging)? (an |the |it|every |these )?orders?\b|FlagOrder|flagged_?at/i],
  ['guesses', /\bguess(es|er)\b|[a-z]Guess/],
  [
    'undo',
    /[a-z]Undo|\bundo(?=[A-Z_-])|\bundo(ne|es|s)(?=[A-Z_-])|\b(an|the|each|every|its|this|that|whose|no|failed) undo\b|\bundos\b/,
  ],
  ['frame', /\b[hH]ttpFrame\b|\bframeOf\b|\ba handler['’]s frame\b/],
  ['surroundings', /\bsurroundings\b/i],
  ['ask-or-remember', /ask-?or-?remember/i],
  ['give again', /\bgive(s|n)? again\b|giveAgain/],
  ['end wait', /\bendWait\b/],
  ['private errors', /PartUnavailable|AnswerLost/],
  ['questions as states', /WhatIsAsked|MustTheCustomerAct|WasItConfirmed|IsItUndone|IsItFlagged/],
  ['starts over', /\bbegins? anew\b/],
  ['that there is not', /\bthat there is not\b/],
  ['orphan charges by other names', /return-charge|charge-without-order/],
];

describe('the words of docs/writing.md', () => {
  test('the sources are there', () => {
    expect(sources.length).toBeGreaterThan(500);
  });

  test.each(words)('"%s" stands nowhere but on that page', (_word, pattern) => {
    const found = sources.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
    );
    expect(found).toEqual([]);
  });
});
