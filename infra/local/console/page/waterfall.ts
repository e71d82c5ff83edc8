import { useState } from 'preact/hooks';
import type { Span } from '../../functions/trace.ts';
import type { KeptTrace } from '../traces.ts';
import { durationOf, getJson, html } from './lib.ts';

const names = { sql: 'SQL', dynamodb: 'DynamoDB', states: 'Step Functions', events: 'EventBridge', other: 'AWS' };

/** What the functions of a request waited for, on one line of time: its own, and the steps of the sagas that it led to. */
export function Waterfall({ traces }: { traces: KeptTrace[] }) {
  const start = traces[0]!.at;
  const all = Math.max(1, ...traces.map(({ at, milliseconds }) => at - start + milliseconds));
  return html`
    <div class="waterfall" role="table" aria-label="Calls">
      ${traces.map(
        (trace) => html`
          <div role="rowgroup" key=${trace.id}>
            <div class="run" role="row">
              <span role="rowheader">${trace.handler}</span>
              <span class="number" role="cell">${durationOf(trace.milliseconds)}</span>
              <${Bar} kind="whole" from=${trace.at - start} for=${trace.milliseconds} all=${all} />
            </div>
            ${trace.spans.map((span, i) => html`<${Call} trace=${trace} span=${span} index=${i} offset=${trace.at - start} all=${all} key=${i} />`)}
            ${trace.more === 0 ? '' : html`<div class="muted" role="row"><span role="cell">and ${trace.more} calls more</span></div>`}
          </div>`,
      )}
    </div>`;
}

type CallProps = { trace: KeptTrace; span: Span; index: number; offset: number; all: number };

function Call({ trace, span, index, offset, all }: CallProps) {
  const [shown, setShown] = useState<string | undefined>();
  const { at, milliseconds, kind, what, error } = span;
  const toggle = () => {
    if (shown !== undefined) return setShown(undefined);
    getJson<{ plan: string }>(`plans/${trace.id}/${index}`).then(
      ({ plan }) => setShown(plan),
      (failed: Error) => setShown(failed.message),
    );
  };
  const line = what.replace(/\s+/g, ' ').trim();
  return html`
    <div class=${error === null ? 'call' : 'call bad'} role="row">
      <span role="cell" title=${line}>
        ${
          kind === 'sql' && /^[(\s]*(select|insert|update|delete|merge|with)/i.test(line)
            ? html`<button type="button" class="link" aria-expanded=${shown !== undefined} onClick=${toggle}>${names[kind]}</button>`
            : names[kind]
        } ${line}${error === null ? '' : html` <b>${error}</b>`}
      </span>
      <span class="number" role="cell">${durationOf(milliseconds)}</span>
      <${Bar} kind=${kind} from=${offset + at} for=${milliseconds} all=${all} />
    </div>
    ${
      shown === undefined
        ? ''
        : html`<div class="plan" role="row"><div role="cell"><pre tabindex="0" aria-label="Statement">${what.trim()}</pre><pre tabindex="0" aria-label="Plan">${shown}</pre></div></div>`
    }`;
}

function Bar({ kind, from, for: length, all }: { kind: string; from: number; for: number; all: number }) {
  const style = `left:${(100 * from) / all}%;width:${(100 * length) / all}%`;
  return html`<span class="track" role="cell" aria-label=${`from ${durationOf(from)}`}><i class=${kind} style=${style} /></span>`;
}
