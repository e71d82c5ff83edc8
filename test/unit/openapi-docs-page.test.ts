import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildDocument } from '../../infra/openapi/document.ts';
import { html, markdown } from '../../lib/contract/docs/html.ts';
import { renderPage } from '../../lib/contract/docs/page.ts';
import { notesOf, propertyTable, typeOf } from '../../lib/contract/docs/schema.ts';

const document = buildDocument();
const page = renderPage(document);

describe('the page', () => {
  test('shows every operation with method, path and a request in three languages', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { operationId }] of Object.entries(methods)) {
        const section = page.split(`<article id="${operationId}" `)[1]!.split('</article>')[0]!;
        expect(section).toContain(`${method.toUpperCase()}</span> <code>${path}</code>`);
        const samples = plain(section.replace(/<\/?(var|code)[^>]*>/g, ''))!;
        expect(samples).toMatch(method === 'get' ? /curl "\$API\// : `curl -X ${method.toUpperCase()} "$API/`);
        expect(samples).toContain("await fetch('$API/");
        expect(samples).toContain('urllib.request.Request(\n    "$API/');
        // Ids of the examples belong to no shop: the page's script fills in others.
        expect(section.split('<h4>Request</h4>')[1]).not.toMatch(/\b[a-z]{3}_[0-9a-f]{32}\b|\{\w+Id\}/);
      }
    }
  });

  test('leads nowhere that is not there, and names nothing twice', () => {
    const named = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
    expect(named.length).toBe(new Set(named).size);
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target!);
    expect(targets.filter((target) => !named.includes(target))).toEqual([]);
    expect(targets.length).toBeGreaterThan(200);
  });

  test('closes what it opens', () => {
    const open: string[] = [];
    const markup = page.replace(/<script[\s\S]*<\/script>/, '');
    for (const [, closing, tag] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
      if (['meta', 'link', 'input'].includes(tag!)) continue;
      if (closing) expect(open.pop()).toBe(tag);
      else open.push(tag!);
    }
    expect(open).toEqual([]);
  });

  test('shows every keyword that the schemas use', () => {
    const shown = new Set(
      `$ref anyOf oneOf allOf const type items properties required description enum format pattern default minimum maximum
       minLength maxLength minItems maxItems`.split(/\s+/),
    );
    // Told in words for all requests, or for readers of the document alone.
    const left = new Set(['additionalProperties', 'propertyNames', 'examples', 'discriminator', 'x-personal']);
    const unknown = new Set<string>();
    const walk = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [keyword, value] of Object.entries(schema)) {
        if (!shown.has(keyword) && !left.has(keyword)) unknown.add(keyword);
        if (keyword === 'properties') Object.values(value as object).forEach(walk);
        else if (keyword === 'items') walk(value);
        else if (['anyOf', 'oneOf', 'allOf'].includes(keyword)) (value as unknown[]).forEach(walk);
      }
    };
    for (const schema of Object.values(document.components.schemas)) walk(schema);
    for (const { schema } of Object.values(document.components.parameters)) walk(schema);
    expect([...unknown]).toEqual([]);
  });
});

describe('a schema in words', () => {
  test.each([
    [{ type: 'string', minLength: 1, maxLength: 200 }, 'string', '1 to 200 characters'],
    [{ type: 'integer', format: 'int64', minimum: 1 }, 'integer', 'at least 1'],
    [{ type: 'integer', minimum: -1_000_000, maximum: 5 }, 'integer', '−1\u202f000\u202f000 to 5'],
    [{ type: 'array', items: { type: 'string' }, maxItems: 50 }, 'array of string', 'at most 50 items'],
    [{ type: ['string', 'null'] }, 'string or null', ''],
    [{ anyOf: [{ type: 'string', maxLength: 3 }, { type: 'null' }] }, 'string or null', 'at most 3 characters'],
    [{ type: 'boolean', default: true }, 'boolean', 'default <code>true</code>'],
    [{ type: 'string', enum: ['a', 'b'] }, 'string', '<code>a</code>, <code>b</code>'],
    [{ $ref: '#/components/schemas/Money' }, '<a href="#schema-Money">Money</a>', ''],
    [{}, 'anything', ''],
  ])('%j', (schema, type, notes) => {
    expect(typeOf(schema).html).toBe(type);
    expect(notesOf(schema).html).toBe(notes);
  });

  test('an object within an object is shown by its path', () => {
    const inner = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
    const table = propertyTable({
      type: 'object',
      properties: { one: inner, many: { type: 'array', items: inner }, perhaps: { anyOf: [inner, { type: 'null' }] } },
      required: ['one'],
    }).html;
    const rows = [...table.matchAll(/<tr><td><code>([^<]+)<\/code>( <small>optional)?/g)].map(([, path, optional]) =>
      optional ? `${path}?` : path,
    );
    expect(rows).toEqual(['one', 'one.a', 'many?', 'many[].a', 'perhaps?', 'perhaps.a']);
  });
});

describe('html', () => {
  test('escapes every value that is text, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const made = html`<a href="${text}">${text}</a>`.html;
        expect(made.slice(9, -4).replace('">', '')).not.toMatch(/[<>"']/);
        const [, attribute, content] = /^<a href="([^"]*)">([^<]*)<\/a>$/.exec(made)!;
        expect([attribute, content].map(plain)).toEqual([text, text]);
      }),
    );
  });

  test('leaves out what is not there', () => {
    expect(html`a${undefined}b${false}c${[html`<i>`, html`${1}`]}`.html).toBe('abc<i>1');
  });

  test('markdown has paragraphs, lists, bold and code', () => {
    const made = markdown('One **two** `<three>`.\n\n- a\n- b').map((piece) => piece.html);
    expect(made.join('')).toBe(
      '<p>One <strong>two</strong> <code>&lt;three&gt;</code>.</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n',
    );
  });
});

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

const plain = (text: string | undefined): string | undefined =>
  text?.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity]!);
