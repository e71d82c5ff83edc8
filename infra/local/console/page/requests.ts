import type { LogView, RequestDetail, RequestList, RequestView } from '../requests.ts';
import { clockTime, go, html, Link, short, timeOf, useData, Waiting } from './lib.ts';
import { Search } from './search.ts';
import { Waterfall } from './waterfall.ts';

const statuses = ['2xx', '3xx', '4xx', '5xx'];

/** The requests of the log, newest first, by id, application, operation and status. */
export function Requests({ query }: { query: URLSearchParams }) {
  const data = useData<RequestList>(`requests?${query}`);
  const list = data.value;
  const change = (name: string, value: string) => {
    const next = new URLSearchParams(query);
    if (value === '') next.delete(name);
    else next.set(name, value);
    go(`/console/requests${next.size === 0 ? '' : `?${next}`}`, { replace: true });
  };
  const choice = (name: string, title: string, options: string[]) => html`
    <select aria-label=${title} value=${query.get(name) ?? ''} onChange=${(event: Event) => change(name, (event.target as HTMLSelectElement).value)}>
      <option value="">${title}</option>
      ${options.map((value) => html`<option key=${value} value=${value}>${value}</option>`)}
    </select>`;
  return html`
    <h1>Requests</h1>
    <div class="tools">
      <${Search} label="Search requests" placeholder="Request, order, customer, application or problem ( / )" text=${query.get('text') ?? ''} onSearch=${(value: string) => change('text', value)} />
      ${choice('status', 'Any status', statuses)}
      ${choice('operation', 'Any operation', list?.operations ?? [])}
      ${choice('application', 'Any application', list?.applications ?? [])}
    </div>
    <${Waiting} data=${data} />
    ${
      list === undefined
        ? ''
        : list.requests.length === 0
          ? html`<p class="empty">No request fits.</p>`
          : html`
            <div class="scroll tall" tabindex="0" role="group" aria-label="Requests">
              <table class="list">
                <thead><tr><th>Time</th><th>Operation</th><th>Status</th><th class="number">ms</th><th>Request</th><th>Application</th></tr></thead>
                <tbody>${list.requests.map((request) => html`<${Row} request=${request} key=${request.requestId} />`)}</tbody>
              </table>
            </div>
            <p class="muted">${list.count > list.requests.length ? `The newest ${list.requests.length} of ${list.count}.` : ''}</p>`
    }`;
}

function Row({
  request: { requestId, at, operation, status, problem, milliseconds, applicationId },
}: {
  request: RequestView;
}) {
  return html`
    <tr data-row>
      <td class="time">${timeOf(at)}</td>
      <td><${Link} to=${`/console/requests/${requestId}`} data-main>${operation}</${Link}></td>
      <td><span class=${`code c${String(status)[0]}`}>${status}</span> ${problem ?? ''}</td>
      <td class="number">${Math.round(milliseconds)}</td>
      <td title=${requestId}>${short(requestId)}</td>
      <td title=${applicationId ?? ''}>${applicationId === null ? '–' : short(applicationId)}</td>
    </tr>`;
}

/** One request, and what the functions logged for it. */
export function OneRequest({ id }: { id: string }) {
  const data = useData<RequestDetail>(`requests/${id}`);
  if (data.value === undefined) return html`<h1 class="id">${id}</h1><${Waiting} data=${data} />`;
  const { request, lines, traces } = data.value;
  const { operation, status, problem, milliseconds, at, applicationId, customerId, resources } = request;
  return html`
    <h1 class="id">${id}</h1>
    <p class="facts">
      <b>${operation}</b> <span class=${`code c${String(status)[0]}`}>${status}</span> ${problem ?? ''}
      <span>${timeOf(at)}</span> <span>${Math.round(milliseconds)} ms</span>
      ${applicationId === null ? '' : html`<${Link} to=${`/console/requests?application=${applicationId}`}>${applicationId}</${Link}>`}
    </p>
    ${
      resources.length === 0 && customerId === null
        ? ''
        : html`<p class="facts">${[...new Set([customerId, ...resources])].flatMap((resource) =>
            resource === null
              ? []
              : resource.startsWith('ord_')
                ? html`<${Link} to=${`/console/orders/${resource}`} key=${resource}>${resource}</${Link}>`
                : html`<span key=${resource}>${resource}</span>`,
          )}</p>`
    }
    <h2>Calls</h2>
    ${
      traces.length === 0
        ? html`<p class="empty">Calls are followed from when the console was first opened. This request came before, or too many came after it.</p>`
        : html`<${Waterfall} traces=${traces} />`
    }
    <h2>Log</h2>
    <ol class="log">${lines.map((line, i) => html`<${LogLine} line=${line} key=${i} />`)}</ol>`;
}

function LogLine({ line: { at, level, message, fields, trace } }: { line: LogView }) {
  const { error, milliseconds, ...rest } = fields;
  return html`
    <li class=${level === 'ERROR' ? 'bad' : level === 'WARN' ? 'warn' : ''}>
      <time>${clockTime(at)}</time>${' '}
      <b>${message}</b>${milliseconds === undefined ? '' : ` in ${Math.round(Number(milliseconds))} ms`}
      ${error === undefined ? '' : html`<div class="trouble">${error}</div>`}
      <div class="muted">${Object.entries(rest)
        .map(([name, value]) => `${name} ${value}`)
        .join(' · ')}</div>
      ${trace.length === 0 ? '' : html`<pre tabindex="0" aria-label="Stack trace">${trace.join('\n')}</pre>`}
    </li>`;
}
