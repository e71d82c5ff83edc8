import { useState } from 'preact/hooks';
import type { Graph } from '../graph.ts';
import type { ExecutionView, OrderView } from '../order.ts';
import type { Attempt } from '../story.ts';
import { StateGraph } from './graph.ts';
import { clockTime, durationOf, html, Link, money, Status, short, timeOf, useData, Waiting } from './lib.ts';
import { Review } from './review.ts';

type Graphs = Record<string, Graph>;

/** One order: what is wrong, its saga, and everything around it. */
export function Order({ id }: { id: string }) {
  const data = useData<OrderView>(`orders/${id}`);
  const graphs = useData<Graphs>('graphs', { live: false });
  const view = data.value;
  if (view === undefined) return html`<h1>${id}</h1><${Waiting} data=${data} />`;
  const { order, missing } = view;
  return html`
    <h1 class="id">${id}</h1>
    <p class="facts">
      <${Status} of=${order.status} /> <b>${money(order.total.amount, order.total.currency)}</b>
      <span>placed ${timeOf(order.createdAt)}</span>
      ${
        order.customerId === null
          ? html`<span>a guest</span>`
          : html`<${Link} to=${`/console/orders?text=${order.customerId}`} title=${order.customerId}>${short(order.customerId)}</${Link}>`
      }
      ${view.archived ? html`<span>archived</span>` : ''}
    </p>
    ${data.error === undefined ? '' : html`<p class="notice bad" role="alert">${data.error}</p>`}
    ${missing.length === 0 ? '' : html`<p class="notice warn" role="status">${missing.join(' and ')} did not answer, so that part is missing.</p>`}
    <${Troubles} view=${view} />
    ${order.status === 'needs_attention' ? html`<${Review} view=${view} onDone=${data.reload} />` : ''}
    <div class="columns">
      <section aria-label="Saga"><${Sagas} executions=${view.executions} graphs=${graphs.value} /></section>
      <div class="side">
        <${Timeline} view=${view} />
        <${Money} view=${view} />
        <${Stock} view=${view} />
        <${Events} view=${view} />
      </div>
    </div>`;
}

type Trouble = { key: string; title: string; attempt: Attempt };

/** Every failed call of a step, in full; the newest is open. */
function Troubles({ view: { executions, order } }: { view: OrderView }) {
  const troubles: Trouble[] = executions.flatMap(({ name, visits }) =>
    visits.flatMap(({ state, attempts }, v) =>
      attempts.flatMap((attempt, i) =>
        attempt.error === null ? [] : [{ key: `${name} ${v} ${i}`, title: `${state}, attempt ${i + 1}`, attempt }],
      ),
    ),
  );
  const last = troubles.at(-1);
  if (last === undefined && order.failure === null) return null;
  const isOver = order.status === 'confirmed';
  return html`
    <section class=${`notice ${isOver ? 'warn' : 'bad'}`} aria-label="What is wrong">
      ${order.failure === null ? '' : html`<p><b>${order.failure.code}</b>: ${order.failure.detail}</p>`}
      ${
        last === undefined
          ? ''
          : html`
            <p class="error"><b>${last.title}</b> ${last.attempt.error}: ${last.attempt.message}</p>
            ${last.attempt.trace.length === 0 ? '' : html`<pre tabindex="0" aria-label="Stack trace">${last.attempt.trace.join('\n')}</pre>`}
            ${
              troubles.length === 1
                ? ''
                : html`<details><summary>${troubles.length - 1} more before</summary>
                    <ul>${troubles
                      .slice(0, -1)
                      .map(
                        ({ key, title, attempt }) =>
                          html`<li key=${key}>${clockTime(attempt.startedAt)} <b>${title}</b> ${attempt.error}: ${attempt.message}</li>`,
                      )}</ul></details>`
            }`
      }
    </section>`;
}

/** The executions of an order; the newest is shown until another one is chosen. */
function Sagas({ executions, graphs }: { executions: ExecutionView[]; graphs: Graphs | undefined }) {
  const [chosen, setChosen] = useState<string>();
  if (executions.length === 0) return html`<h2>Saga</h2><p class="muted">No execution has started.</p>`;
  const newest = executions.toSorted((one, other) => one.startedAt - other.startedAt).at(-1)!;
  const execution = executions.find(({ name }) => name === chosen) ?? newest;
  const graph = graphs?.[execution.machine];
  const { status, startedAt, endedAt, events } = execution;
  return html`
    <h2>Saga <small class="muted">${execution.machine}, ${status.toLowerCase()}${endedAt === null ? '' : ` after ${durationOf(endedAt - startedAt)}`}, ${events} events</small></h2>
    ${
      executions.length === 1
        ? ''
        : html`<div class="filters" role="group" aria-label="Execution">${executions.map(
            ({ name, machine }) =>
              html`<button type="button" key=${name} aria-pressed=${name === execution.name} onClick=${() => setChosen(name)}>${machine}${name.includes('-retry-') ? ` ${name.split('-retry-')[1]}` : ''}</button>`,
          )}</div>`
    }
    ${graph === undefined ? '' : html`<div class="canvas" tabindex="0" role="group" aria-label="State graph"><${StateGraph} graph=${graph} execution=${execution} /></div>`}
    <${Attempts} execution=${execution} />`;
}

/** The most rows that are drawn at once: an execution may have thousands of events. */
const mostRows = 100;

function Attempts({ execution: { visits } }: { execution: ExecutionView }) {
  const [all, setAll] = useState(false);
  const rows = visits.flatMap(({ state, enteredAt, attempts }) =>
    attempts.length === 0
      ? [{ state, at: enteredAt, number: '', took: '', result: '' }]
      : attempts.map(({ startedAt, endedAt, result, error }, i) => ({
          state,
          at: startedAt,
          number: String(i + 1),
          took: endedAt === null ? '' : durationOf(endedAt - startedAt),
          result: error ?? result,
        })),
  );
  const shown = all ? rows : rows.slice(-mostRows);
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Path">
      <table class="list">
        <caption>Path</caption>
        <thead><tr><th>Time</th><th>State</th><th class="number">Attempt</th><th class="number">Took</th><th>Result</th></tr></thead>
        <tbody>${shown.map(
          ({ state, at, number, took, result }, i) =>
            html`<tr key=${i}><td class="time">${clockTime(at)}</td><td>${state}</td><td class="number">${number}</td><td class="number">${took}</td><td>${result}</td></tr>`,
        )}</tbody>
      </table>
    </div>
    ${shown.length < rows.length ? html`<button type="button" onClick=${() => setAll(true)}>All ${rows.length} rows</button>` : ''}`;
}

function Timeline({ view: { timeline, correlationId } }: { view: OrderView }) {
  return html`
    <section><h2>Timeline</h2>
      <ol class="timeline">${timeline.map(({ at, type, detail }, i) => {
        const { requestId: _requestId, ...rest } = detail as Record<string, unknown>;
        return html`<li key=${i}><time>${clockTime(at)}</time> <b>${type}</b> <span class="muted">${wordsOf(rest)}</span></li>`;
      })}</ol>
      ${correlationId === null ? '' : html`<p class="muted">Request ${correlationId}</p>`}
    </section>`;
}

/** A timeline entry's detail in words. */
function wordsOf(detail: Record<string, unknown>): string {
  if (typeof detail.from === 'string') return `${detail.from} → ${detail.to}`;
  return Object.entries(detail)
    .map(([name, value]) => `${name} ${plain(value)}`)
    .join(', ');
}

function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { amount, currency } = value as { amount?: number; currency?: string };
  return amount !== undefined && currency !== undefined ? money(amount, currency) : JSON.stringify(value);
}

function Money({ view: { order, payments, refunds, charge } }: { view: OrderView }) {
  const row = (what: string, amount: number, how: string) =>
    html`<tr key=${what + how}><td>${what}</td><td class="number">${money(amount, order.total.currency)}</td><td>${how}</td></tr>`;
  return html`
    <section><h2>Money</h2>
      <table class="list"><tbody>
        ${row('Order', order.total.amount, order.discount === null ? '' : `with a discount of ${money(order.discount.amount, order.total.currency)}`)}
        ${payments.map(({ amount, status, refunded }) => row('Payment', amount.amount, refunded.amount === 0 ? status : `${status}, ${money(refunded.amount, amount.currency)} given back`))}
        ${refunds.map(({ amount, status }) => row('Refund', amount.amount, status))}
        ${charge === null ? '' : row('At the provider', charge.amount, `${charge.status}${charge.declineCode === null ? '' : ` (${charge.declineCode})`}`)}
      </tbody></table>
    </section>`;
}

function Stock({ view: { order, reservations, stockMovements, levels } }: { view: OrderView }) {
  return html`
    <section><h2>Stock</h2>
      <table class="list">
        <thead><tr><th>Line</th><th class="number">Ordered</th><th>Reservation</th><th class="number">Available now</th></tr></thead>
        <tbody>${order.lines.map(({ productId, sku, name, quantity }) => {
          const held = reservations.find((each) => each.productId === productId);
          const level = levels.find((each) => each.productId === productId);
          return html`<tr key=${productId}><td title=${name}>${sku}</td><td class="number">${quantity}</td><td>${held?.state ?? 'none'}</td><td class="number">${level === undefined ? '' : level.onHand - level.reserved}</td></tr>`;
        })}</tbody>
      </table>
      ${
        stockMovements.length === 0
          ? ''
          : html`<details><summary>${stockMovements.length} movements</summary><ul>${stockMovements.map(
              ({ id, createdAt, kind, quantity, reserved }) =>
                html`<li key=${id}>${clockTime(createdAt)} ${kind}: on hand ${signed(quantity)}, reserved ${signed(reserved)}</li>`,
            )}</ul></details>`
      }
    </section>`;
}

const signed = (n: number) => (n > 0 ? `+${n}` : String(n));

function Events({ view: { events, deliveries } }: { view: OrderView }) {
  return html`
    <section><h2>Events and webhooks</h2>
      <ul class="events">${events.map(
        ({ id, type, occurredAt, publishedAt }) => html`
          <li key=${id}>
            ${clockTime(occurredAt)} <b>${type}</b>
            <span class="muted">${publishedAt === null ? 'not published yet' : `published after ${durationOf(Date.parse(publishedAt) - Date.parse(occurredAt))}`}</span>
            ${deliveries
              .filter(({ eventId }) => eventId === id)
              .map(
                ({ deliveryId, url, status, attempts, last }) =>
                  html`<div key=${deliveryId + url}>→ ${url}: ${status}, ${attempts} attempts${last === null ? '' : `, ${last}`}</div>`,
              )}
          </li>`,
      )}</ul>
      ${deliveries.length === 0 ? html`<p class="muted">No webhook endpoint has got any.</p>` : ''}
    </section>`;
}
