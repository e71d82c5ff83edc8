import { useState } from 'preact/hooks';
import type { CacheView, EventsView, PostgresView } from '../parts.ts';
import type { PlannedJob, SentMail } from '../protocol.ts';
import type { TableView } from '../tables.dynamo.ts';
import { durationOf, html, Link, postJson, short, timeOf, useData, Waiting } from './lib.ts';

const sections = [
  ['postgres', 'PostgreSQL', Postgres],
  ['dynamodb', 'DynamoDB', Dynamo],
  ['events', 'Events and webhooks', Events],
  ['schedules', 'Schedules', Schedules],
  ['mails', 'Mails', Mails],
  ['cache', 'Cache', Cache],
] as const;

/** The parts of the stack, one at a time. */
export function Parts({ id: section, rest }: { id: string | undefined; rest: string | undefined }) {
  const [name, title, show] = sections.find(([each]) => each === section) ?? sections[0];
  return html`
    <h1>${title}</h1>
    <nav class="filters" aria-label="Parts">
      ${sections.map(([each, text]) => html`<${Link} class="tab" key=${each} to=${`/console/parts/${each}`} aria-current=${each === name ? 'page' : undefined}>${text}</${Link}>`)}
    </nav>
    <${show} rest=${rest} key=${name} />`;
}

type Cell = string | number | null | undefined | object;

function Table({
  title,
  columns,
  rows,
  none = 'None.',
}: {
  title: string;
  columns: string[];
  rows: Cell[][];
  none?: string;
}) {
  return html`
    <h2>${title}</h2>
    ${
      rows.length === 0
        ? html`<p class="muted">${none}</p>`
        : html`<div class="scroll tall" tabindex="0" role="group" aria-label=${title}>
            <table class="list">
              <thead><tr>${columns.map((column, j) => html`<th key=${column} class=${typeof rows[0]![j] === 'number' ? 'number' : ''}>${column}</th>`)}</tr></thead>
              <tbody>${rows.map((row, i) => html`<tr key=${i}>${row.map((cell, j) => html`<td key=${j} class=${typeof cell === 'number' ? 'number' : ''}>${typeof cell === 'number' ? numberOf(cell) : (cell ?? '–')}</td>`)}</tr>`)}</tbody>
            </table>
          </div>`
    }`;
}

const numberOf = (value: number) =>
  new Intl.NumberFormat('en', { maximumFractionDigits: value < 10 ? 2 : 0 }).format(value);
const bytesOf = (bytes: number) =>
  bytes < 1e6 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
const ago = (seconds: number | null) => (seconds === null ? null : durationOf(seconds * 1000));

function Postgres() {
  const data = useData<PostgresView>('parts/postgres', { every: 2000 });
  const view = data.value;
  if (view === undefined) return html`<${Waiting} data=${data} />`;
  return html`
    <${Waiting} data=${data} />
    <${Table} title="Connections" columns=${['role', 'state', 'sessions', 'oldest transaction']}
      rows=${view.connections.map(({ role, state, count, oldestSeconds }) => [role, state, count, ago(oldestSeconds)])} />
    <${Table} title="Proxy" columns=${['endpoint', 'open', 'of', 'refused', 'the last refusal']}
      rows=${view.proxies.map(({ name, open, most, refused, lastRefusal }) => [name, open, most, refused, lastRefusal === null ? null : `${timeOf(new Date(lastRefusal.at).toISOString())} ${lastRefusal.reason}`])} />
    <${Table} title="Waiting for a lock" columns=${['role', 'session', 'waits for', 'blocked by', 'since', 'statement']} none="Nobody waits."
      rows=${view.locks.map((lock) => [lock.role, String(lock.pid), lock.waitsFor, lock.blockedBy, ago(lock.seconds), html`<code>${lock.statement}</code>`])} />
    <${Table} title="Statements that took the most time" columns=${['role', 'calls', 'mean ms', 'longest ms', 'rows', 'statement']}
      none=${view.statements === null ? 'This server keeps none: it was started without pg_stat_statements.' : 'None yet.'}
      rows=${(view.statements ?? []).map(({ role, calls, meanMs, maxMs, rows, statement }) => [role, calls, meanMs, maxMs, rows, html`<code>${statement}</code>`])} />
    <${Table} title="Largest tables" columns=${['table', 'rows', 'dead rows', 'size', 'bloat, about']}
      rows=${view.tables.map(({ name, rows, dead, bytes, bloat }) => [name, rows, dead, bytesOf(bytes), bloat === null ? null : bytesOf(bloat)])} />
    <${Table} title="Standby" columns=${['name', 'state', 'behind']} none="None follows: npm start -- --standby runs one."
      rows=${view.standbys.map(({ name, state, behindBytes }) => [name, state, behindBytes === null ? null : bytesOf(behindBytes)])} />`;
}

function Dynamo({ rest }: { rest: string | undefined }) {
  const data = useData<TableView[]>('parts/dynamodb', { live: false, every: 5000 });
  const tables = data.value;
  if (tables === undefined) return html`<${Waiting} data=${data} />`;
  const chosen = tables.find(({ name }) => name === rest);
  return html`
    <${Waiting} data=${data} />
    <${Table} title="Tables" columns=${['table', 'items', 'holds']}
      rows=${tables.map(({ name, items, more, holds }) => [
        html`<${Link} to=${`/console/parts/dynamodb/${name}`}>${name}</${Link}>`,
        more ? `more than ${items}` : items,
        holds,
      ])} />
    ${chosen === undefined ? '' : html`<${Items} table=${chosen.name} key=${chosen.name} />`}`;
}

function Items({ table }: { table: string }) {
  const data = useData<Record<string, string>[]>(`parts/dynamodb/${table}`);
  const items = data.value ?? [];
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return html`
    <${Waiting} data=${data} />
    ${data.value === undefined ? '' : html`<${Table} title=${`Items of ${table}`} columns=${columns} rows=${items.map((item) => columns.map((column) => item[column]))} />`}`;
}

function Events() {
  const data = useData<EventsView>('parts/events');
  const view = data.value;
  if (view === undefined) return html`<${Waiting} data=${data} />`;
  const { outbox, queues, parked, deliveries } = view;
  return html`
    <${Waiting} data=${data} />
    <h2>Outbox</h2>
    <p>${outbox.unpublished === 0 ? 'Every event is published.' : `${outbox.unpublished} events are not published; the oldest is ${ago(outbox.oldestSeconds)} old.`}</p>
    <${Table} title="What waits in queues" columns=${['queue', 'waiting']} rows=${queues.map(({ queue, waiting }) => [queue, waiting])} />
    <${Table} title="Parked: no consumer took them in five attempts" columns=${['event', 'type', 'consumer', 'attempts', 'error']} none="No event is parked."
      rows=${parked.map(({ id, type, rule, attempts, error }) => [id, type, rule, attempts, error])} />
    ${parked.length === 0 ? '' : html`<${Act} address="parts/events/redrive" title="Deliver them again" onDone=${data.reload} />`}
    <${Table} title="Webhooks" columns=${['time', 'event', 'subject', 'receiver', 'status', 'attempts', 'last answer']} none="No webhook endpoint has got any."
      rows=${deliveries.map(({ createdAt, type, aggregateId, url, status, attempts, last }) => [
        timeOf(createdAt),
        type,
        aggregateId.startsWith('ord_')
          ? html`<${Link} to=${`/console/orders/${aggregateId}`}>${short(aggregateId)}</${Link}>`
          : short(aggregateId),
        url,
        status,
        attempts,
        last,
      ])} />`;
}

/** A button for something that the stack does. */
function Act({
  address,
  title,
  body = {},
  onDone,
}: {
  address: string;
  title: string;
  body?: object;
  onDone: () => void;
}) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const click = () => {
    setBusy(true);
    postJson(address, body)
      .then(
        () => {
          setError('');
          onDone();
        },
        (failed: Error) => setError(failed.message),
      )
      .finally(() => setBusy(false));
  };
  return html`<button type="button" disabled=${busy} onClick=${click}>${title}</button>${error === '' ? '' : html` <span class="trouble" role="alert">${error}</span>`}`;
}

function Schedules() {
  const data = useData<PlannedJob[]>('parts/schedules', { every: 1000 });
  const jobs = data.value;
  if (jobs === undefined) return html`<${Waiting} data=${data} />`;
  return html`
    <${Waiting} data=${data} />
    <${Table} title="Jobs" columns=${['job', 'schedule', 'next', 'last', 'took', 'result', 'start']}
      rows=${jobs.map(({ name, schedule, next, last, running }) => [
        name,
        schedule,
        next === null ? null : timeOf(next),
        last === null ? null : timeOf(last.at),
        last === null ? null : durationOf(last.milliseconds),
        running
          ? 'running'
          : last === null
            ? null
            : last.error === null
              ? 'done'
              : html`<span class="trouble">${last.error}</span>`,
        html`<${Act} address=${`parts/schedules/${name}`} title="Run now" onDone=${data.reload} />`,
      ])} />`;
}

function Mails() {
  const data = useData<SentMail[]>('parts/mails');
  const [open, setOpen] = useState(0);
  const mails = data.value;
  if (mails === undefined) return html`<${Waiting} data=${data} />`;
  const mail = mails[open];
  return html`
    <${Waiting} data=${data} />
    <p class="muted">The last mails since the start. None is sent. The codes in them stand in the terminal alone.</p>
    ${mails.length === 0 ? html`<p class="empty">No mail yet.</p>` : ''}
    <ul class="choices">${mails.map(({ at, to, subject }, i) => html`<li key=${at + i}><button type="button" aria-pressed=${i === open} onClick=${() => setOpen(i)}>${timeOf(at)} ${subject} <span class="muted">to ${to}</span></button></li>`)}</ul>
    ${mail?.attachment ? html`<${AttachedFile} ...${mail.attachment} />` : ''}
    ${mail === undefined ? '' : html`<iframe title=${mail.subject} sandbox="" srcdoc=${mail.html} />`}`;
}

function AttachedFile({ name, bytes, text }: NonNullable<SentMail['attachment']>) {
  const size = html`<span class="muted">${bytes.toLocaleString('en')} bytes</span>`;
  if (text === null) return html`<p>Attached: ${name} ${size}</p>`;
  return html`<p>Attached: <a href=${`data:text/csv;charset=utf-8,${encodeURIComponent(text)}`} download=${name}>${name}</a> ${size}</p>`;
}

function Cache() {
  const data = useData<CacheView>('parts/cache');
  const view = data.value;
  if (view === undefined) return html`<${Waiting} data=${data} />`;
  const all = view.answers.reduce((sum, { count }) => sum + count, 0);
  return html`
    <${Table} title=${`Reads of the catalogue in the last ${view.sinceMinutes} minutes, by where the answer came from`} columns=${['from', 'reads', 'share, %']}
      rows=${view.answers.map(({ from, count }) => [from, count, all === 0 ? null : (100 * count) / all])} />
    <p><${Link} to="/console/parts/dynamodb/cache">Entries</${Link}></p>`;
}
