import type { Mail } from './mailer.ts';

/**
 * A mail as HTML, made from its text: a paragraph for each, a link where one is an address of the web, and a code where one has
 * a single word. Everything is escaped, and nothing is loaded.
 */
export function htmlOf({ subject, text }: Pick<Mail, 'subject' | 'text'>): string {
  const paragraphs = text
    .trim()
    .split(/\n{2,}/)
    .map(paragraph);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escaped(subject)}</title>
</head>
<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:560px;margin:0 auto">
<h1 style="font-size:20px">${escaped(subject)}</h1>
${paragraphs.join('\n')}
</div>
</body>
</html>
`;
}

function paragraph(text: string): string {
  if (/^https?:\/\/\S+$/.test(text)) return `<p><a href="${escaped(text)}">${escaped(text)}</a></p>`;
  if (/^\S+$/.test(text)) return `<p><code style="font-size:18px;word-break:break-all">${escaped(text)}</code></p>`;
  return `<p>${escaped(text).replaceAll('\n', '<br>')}</p>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!);
