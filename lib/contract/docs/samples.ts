import type { Operation, Parameter } from './document.ts';
import { type Html, html } from './html.ts';

/**
 * Text of a sample in which `{{name}}` stands for a value that the page fills in: `API`, `CLIENT_ID`, `TOKEN`, `APP_KEY`,
 * or the prefix of an id.
 */
type Template = string;

/** A request as the samples and the page's form make it. */
export type SampleRequest = {
  method: string;
  path: Template;
  headers: Record<string, Template>;
  /** Header fields whose value is new for each request. */
  fresh: string[];
  body: unknown;
};

const credentials: Readonly<Record<string, readonly [string, Template]>> = {
  client: ['Client-Id', '{{CLIENT_ID}}'],
  session: ['Authorization', 'Bearer {{TOKEN}}'],
  appKey: ['Authorization', 'Bearer {{APP_KEY}}'],
};

/** The request that an operation's examples describe, with every value that belongs to a shop as a placeholder. */
export function sampleOf(method: string, path: string, operation: Operation): SampleRequest {
  const { security, parameters, requestBody } = operation;
  const own = parameters.filter((each): each is Parameter => 'name' in each);
  const takes = (reference: string) => parameters.some((each) => '$ref' in each && each.$ref.endsWith(reference));
  const example = (name: string) => String(own.find((each) => each.name === name)?.example ?? name);
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => withPlaceholders(example(name)));
  const query = own.filter(({ name, required, in: place }) => place === 'query' && (required || name === 'customer'));
  const [scheme] = Object.keys(security[0] ?? {});
  const [header, value] = (scheme === undefined ? undefined : credentials[scheme]) ?? [];
  const body = requestBody?.content['application/json']?.example;
  return {
    method: method.toUpperCase(),
    path: query.length === 0 ? filled : `${filled}?${query.map(({ name }) => `${name}={{cus}}`).join('&')}`,
    headers: {
      ...(header === undefined ? {} : { [header]: value! }),
      ...(takes('Prefer') ? { Prefer: 'wait=10' } : {}),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    fresh: takes('IdempotencyKeyRequired') || takes('IdempotencyKey') ? ['Idempotency-Key'] : [],
    body: body === undefined ? undefined : JSON.parse(withPlaceholders(JSON.stringify(body))),
  };
}

/** Ids of the examples belong to no shop. */
const withPlaceholders = (text: string): Template => text.replace(/\b([a-z]{3})_[0-9a-f]{32}\b/g, '{{$1}}');

/** The request in the languages of the page. */
export const samplesOf = (request: SampleRequest): { language: string; code: Template }[] => [
  { language: 'curl', code: curl(request) },
  { language: 'TypeScript', code: typeScript(request) },
  { language: 'Python', code: python(request) },
];

function curl({ method, path, headers, fresh, body }: SampleRequest): Template {
  const args = [
    `${method === 'GET' ? '' : `-X ${method} `}"{{API}}${path}"`,
    ...Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}"`),
    ...fresh.map((name) => `-H "${name}: {{FRESH}}"`),
    ...(body === undefined ? [] : [`-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`]),
  ];
  return `curl ${args.join(' \\\n  ')}`;
}

function typeScript({ method, path, headers, fresh, body }: SampleRequest): Template {
  const fields = [
    ...Object.entries(headers).map(([name, value]) => `    '${name}': '${value}',`),
    ...fresh.map((name) => `    '${name}': crypto.randomUUID(),`),
  ];
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(fields.length === 0 ? [] : ['  headers: {', ...fields, '  },']),
    ...(body === undefined ? [] : [`  body: JSON.stringify(${indented(JSON.stringify(body, undefined, 2))}),`]),
  ];
  const init = options.length === 0 ? '' : `, {\n${options.join('\n')}\n}`;
  return `const response = await fetch('{{API}}${path}'${init});\nconsole.log(response.status, await response.text());`;
}

function python({ method, path, headers, fresh, body }: SampleRequest): Template {
  const fields = [
    ...Object.entries(headers).map(([name, value]) => `        "${name}": "${value}",`),
    ...fresh.map((name) => `        "${name}": str(uuid.uuid4()),`),
  ];
  const modules = ['import urllib.request', ...(fresh.length > 0 ? ['import uuid'] : [])];
  return [
    ...(body === undefined ? modules : ['import json', ...modules]),
    '',
    'request = urllib.request.Request(',
    `    "{{API}}${path}",`,
    ...(method === 'GET' ? [] : [`    method="${method}",`]),
    ...(fields.length === 0 ? [] : ['    headers={', ...fields, '    },']),
    ...(body === undefined ? [] : [`    data=json.dumps(${indented(literal(body), 4)}).encode(),`]),
    ')',
    'with urllib.request.urlopen(request) as response:',
    '    print(response.status, response.read().decode())',
  ].join('\n');
}

const indented = (text: string, by = 2): string => text.replaceAll('\n', `\n${' '.repeat(by)}`);

/** A JSON value as Python writes it. */
function literal(value: unknown, indent = ''): string {
  const inner = `${indent}    `;
  if (Array.isArray(value)) {
    return value.length === 0
      ? '[]'
      : `[\n${value.map((each) => `${inner}${literal(each, inner)},`).join('\n')}\n${indent}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([name, each]) => `${inner}${JSON.stringify(name)}: ${literal(each, inner)},`,
    );
    return entries.length === 0 ? '{}' : `{\n${entries.join('\n')}\n${indent}}`;
  }
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value);
}

/** What a placeholder shows until the page fills it in. */
const unfilled = (name: string): string =>
  name === 'FRESH' ? 'a-new-value' : /^[A-Z]/.test(name) ? `$${name}` : `${name}_…`;

/** A template as code, each placeholder as an element that the page's script fills in. */
export const codeOf = (template: Template): Html =>
  html`<code>${template
    .split(/\{\{(\w+)\}\}/)
    .map((part, index) =>
      index % 2 === 0 ? html`${part}` : html`<var data-value="${part}">${unfilled(part)}</var>`,
    )}</code>`;
