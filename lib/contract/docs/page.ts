import { createHash } from 'node:crypto';
import type { Document, Operation } from './document.ts';
import { type Html, html, markdown } from './html.ts';
import { operationSection } from './operation.ts';
import { propertyTable } from './schema.ts';
import { docsStyle } from './style.ts';

/** Nothing loads and nothing runs: the page has one style, known by its hash, and no script. */
export function contentSecurityPolicy(): string {
  const hash = createHash('sha256').update(docsStyle).digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

/** The whole API as one page that needs nothing beside itself. */
export function renderPage(document: Document): string {
  const { info, tags, components } = document;
  const all = operationsOf(document);
  const groups = tags.map((tag) => ({
    ...tag,
    entries: all.filter(({ operation }) => operation.tags[0] === tag.name),
  }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} API ${info.version}</title>
<style>${{ html: docsStyle }}</style>
</head>
<body>
<nav aria-label="Contents">
<p class="brand"><a href="#top">${info.title}</a> <small>${info.version}</small></p>
${groups.map(
  ({ name, entries }) => html`<details open>
<summary>${name}</summary>
<ul>
${entries.map(
  ({ method, operation }) =>
    html`<li><a href="#${operation.operationId}"><span class="method ${method}">${method.toUpperCase()}</span> ${short(operation.summary)}</a></li>\n`,
)}</ul>
</details>
`,
)}<p><a href="#problems">Problems</a></p>
<p><a href="#schemas">Schemas</a></p>
</nav>
<main id="top">
<header>
<h1>${info.title} API</h1>
<p class="lead">${info.summary} The same as <a href="/openapi.json">an OpenAPI ${document.openapi.slice(0, 3)} document</a>.</p>
${markdown(info.description)}<p>In the examples, <code>$API</code> is where the API is (<code>http://localhost:3000</code> on a laptop), <code>$TOKEN</code> a session’s token and <code>$APP_KEY</code> an application’s key.</p>
</header>
${groups.map(
  ({ name, description, entries }) => html`<section id="tag-${name.toLowerCase()}">
<h2>${name}</h2>
<p>${description}</p>
${entries.map(({ method, path, operation }) => operationSection(document, method, path, operation))}</section>
`,
)}<section id="problems">
<h2>Problems</h2>
<p>Every answer that is not a success is a <a href="#schema-Problem">Problem</a>.</p>
<table>
<thead><tr><th>Code</th><th>When it comes, and what to do</th></tr></thead>
<tbody>
${Object.entries(components.examples).map(
  ([code, { description, value }]) =>
    html`<tr id="problem-${code}"><td>${value.status} <code>${code}</code></td><td>${markdown(description)}</td></tr>\n`,
)}</tbody>
</table>
</section>
<section id="schemas">
<h2>Schemas</h2>
${Object.entries(components.schemas).map(
  ([name, schema]) => html`<article id="schema-${name}">
<h3><a href="#schema-${name}">${name}</a></h3>
${propertyTable(schema)}</article>
`,
)}</section>
</main>
</body>
</html>
`.html;
}

type Entry = { method: string; path: string; operation: Operation };

const operationsOf = ({ paths }: Document): Entry[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );

/** A summary up to where it begins to explain. */
const short = (summary: string): Html => html`${summary.split(/[;,]/)[0]}`;
