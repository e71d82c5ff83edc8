import type { Document, Operation, Parameter, Response, Schema } from './document.ts';
import { type Html, html, inline, join, markdown } from './html.ts';
import { codeOf, sampleOf, samplesOf } from './samples.ts';
import { notesOf, propertyTable, typeOf } from './schema.ts';

/** One operation of the docs page. */
export function operationSection(document: Document, method: string, path: string, operation: Operation): Html {
  const { operationId, summary, description, requestBody } = operation;
  const parameters = operation.parameters.map((parameter) => resolve(document, parameter));
  const body = requestBody?.content['application/json'];
  const request = sampleOf(method, path, operation);
  return html`<article id="${operationId}" data-request="${JSON.stringify(request)}">
<h3><a href="#${operationId}">${summary}</a></h3>
<p class="endpoint"><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code> <span class="who">${whoMay(operation)}</span></p>
${description === undefined ? undefined : markdown(description)}${parameters.length > 0 && parameterTable(parameters)}${body !== undefined && html`<h4>Body</h4>\n${propertyTable(target(document, body.schema))}`}<h4>Answers</h4>
${Object.entries(operation.responses).map(([status, response]) => answer(status, resolveResponse(document, response)))}<h4>Request</h4>
<div class="samples">
${samplesOf(request).map(
  ({ language, code }, index) =>
    html`<details name="samples-${operationId}" data-language="${language}"${index === 0 && html` open`}><summary>${language}</summary><pre tabindex="0">${codeOf(code)}</pre></details>\n`,
)}</div>
</article>
`;
}

/** The schema itself, when it is named by a reference. */
export function target(document: Document, schema: Schema): Schema {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1)! : undefined;
  return name === undefined ? schema : document.components.schemas[name]!;
}

function resolve(document: Document, parameter: Parameter | { $ref: string }): Parameter {
  return '$ref' in parameter ? document.components.parameters[parameter.$ref.split('/').at(-1)!]! : parameter;
}

function resolveResponse(document: Document, response: Response | { $ref: string }): Response {
  return '$ref' in response ? document.components.responses[response.$ref.split('/').at(-1)!]! : response;
}

function whoMay({ security, 'x-required-scopes': scopes = [] }: Operation): Html {
  const ways = security.flatMap((one) => Object.keys(one)).map((scheme) => html`${whoHas[scheme]}`);
  if (ways.length === 0) return html`everybody`;
  const needed = scopes.map((scope) => html`<code>${scope}</code>`);
  return html`${join(ways, ' or ')}${needed.length > 0 && html`, with ${join(needed, ', ')}`}`;
}

const whoHas: Readonly<Record<string, string>> = {
  client: 'application by its Client-Id',
  session: 'signed-in customer of an application',
  appKey: 'application by its key',
};

function parameterTable(parameters: Parameter[]): Html {
  return html`<h4>Parameters</h4>
<table>
<thead><tr><th>Name</th><th>In</th><th>Type</th><th>Notes</th></tr></thead>
<tbody>
${parameters.map(
  ({ name, in: place, required, description, schema }) =>
    html`<tr><td><code>${name}</code>${!required && html` <small>optional</small>`}</td><td>${place}</td><td>${typeOf(schema)}</td><td>${description !== undefined && html`${inline(description)} `}${notesOf(schema)}</td></tr>\n`,
)}</tbody>
</table>
`;
}

/** What a problem means stands once, in the table that its code leads to. */
function answer(status: string, { description, content, headers = {} }: Response): Html {
  if (Number(status) >= 400) {
    return html`<p class="problem"><span class="status">${status}</span> ${codes(content)}</p>\n`;
  }
  const json = content?.['application/json'];
  const kinds = Object.entries(content ?? {}).map(([type, { schema }]) => html`<code>${type}</code> ${typeOf(schema)}`);
  return html`<details class="success">
<summary><span class="status">${status}</span> ${inline(description)}</summary>
${kinds.length > 0 && html`<p>${join(kinds, ' or ')}</p>\n`}<p><small>Headers: ${Object.keys(headers).join(', ')}</small></p>
${json?.example !== undefined && html`<pre tabindex="0"><code>${JSON.stringify(json.example, undefined, 2)}</code></pre>\n`}</details>
`;
}

const codes = (content: Response['content']): Html =>
  join(
    Object.keys(content?.['application/problem+json']?.examples ?? {}).map(
      (code) => html`<a href="#problem-${code}"><code>${code}</code></a>`,
    ),
    ' ',
  );
