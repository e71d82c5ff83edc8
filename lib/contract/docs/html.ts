/** A piece of HTML, as opposed to text that must be escaped to become one. */
export type Html = { readonly html: string };

type Value = Html | readonly Html[] | string | number | undefined | false;

/** A template whose values are escaped, unless they are HTML themselves; `undefined` and `false` are nothing. */
export const html = (parts: TemplateStringsArray, ...values: Value[]): Html => ({
  html: parts.reduce((text, part, index) => text + render(values[index - 1]) + part),
});

/** Joins pieces with a text between them. */
export const join = (pieces: readonly Html[], between: string): Html => ({
  html: pieces.map((piece) => piece.html).join(escapeText(between)),
});

/** A little Markdown: paragraphs, lists, **bold** and `code`. */
export function markdown(text: string): Html[] {
  return text.split(/\n{2,}/).map((block) => {
    const lines = block.split('\n');
    if (!lines.every((line) => line.startsWith('- '))) return html`<p>${inline(block)}</p>\n`;
    return html`<ul>\n${lines.map((line) => html`<li>${inline(line.slice(2))}</li>\n`)}</ul>\n`;
  });
}

/** Markdown within a line. */
export const inline = (text: string): Html[] =>
  text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece) => {
    if (piece.startsWith('`')) return html`<code>${piece.slice(1, -1)}</code>`;
    return piece.startsWith('**') ? html`<strong>${piece.slice(2, -2)}</strong>` : html`${piece}`;
  });

function render(value: Value): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeText(String(value));
  return 'html' in value ? value.html : value.map((piece) => piece.html).join('');
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!);
