import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Document, Operation } from './document.ts';
import { type Html, html, markdown } from './html.ts';
import { operationSection } from './operation.ts';
import { propertyTable } from './schema.ts';
import { docsStyle } from './style.ts';

const script = readFileSync(new URL('./page.js', import.meta.url), 'utf8');
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** A counterfoil: the part of a ticket that stays with whoever gave it out. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect x="3" y="6" width="26" height="20" rx="3" fill="#0b5cad"/><path d="M12 6v20" stroke="#fff" stroke-width="2" stroke-dasharray="3 2.7"/><path d="M17 13h8M17 18h5" stroke="#fff" stroke-width="2.5"/></svg>`;

/**
 * Nothing loads beside the page: it has one style and one script, each known by its hash. The script asks only the API
 * that the page comes from.
 */
export const contentSecurityPolicy = (): string =>
  [
    "default-src 'none'",
    `style-src ${hashOf(docsStyle)}`,
    `script-src ${hashOf(script)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

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
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">
<style>${{ html: docsStyle }}</style>
</head>
<body>
<nav aria-label="Contents">
<p class="brand"><a href="#top">${info.title}</a> <small>${info.version}</small></p>
<p hidden><label for="search">Search <small>press /</small></label><input id="search" type="search" autocomplete="off"><small id="found" role="status"></small></p>
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
${markdown(info.description)}</header>
<form id="values" hidden aria-labelledby="values-title">
<h2 id="values-title">Values in the samples</h2>
<p>They stay in this page. <code>Client-Id</code> and key are those of an application, the token is that of a session.</p>
${fields.map(([name, label]) => html`<label><span>${label}</span><input name="${name}" autocomplete="off" spellcheck="false"></label>\n`)}<p><button type="button" id="fill" hidden>Fill in the demo shop of this laptop</button> <span id="values-status" role="status"></span></p>
</form>
${groups.map(
  ({ name, description, externalDocs, entries }) => html`<section id="tag-${name.toLowerCase()}">
<h2>${name}</h2>
<p>${description}${externalDocs !== undefined && html` Guide: <a href="${externalDocs.url}">${externalDocs.description}</a>.`}</p>
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
<script type="module">${{ html: script }}</script>
</body>
</html>
`.html;
}

/** What the samples need besides ids. */
const fields = [
  ['CLIENT_ID', 'Client-Id'],
  ['TOKEN', 'Session token'],
  ['APP_KEY', 'Application key'],
] as const;

type Entry = { method: string; path: string; operation: Operation };

const operationsOf = ({ paths }: Document): Entry[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );

/** A summary up to where it begins to explain. */
const short = (summary: string): Html => html`${summary.split(/[;,]/)[0]}`;
