import { useState } from 'preact/hooks';
import type { Reading } from '../../test-clock.ts';
import { durationOf, html, postJson, timeOf, useData } from './lib.ts';

const moves = [
  [60, '+1 min'],
  [3600, '+1 h'],
  [86_400, '+1 day'],
] as const;

/** The clock of the stack, which can be moved forward. */
export function Clock() {
  const data = useData<Reading>('clock', { live: false, every: 1000 });
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const move = (seconds: number) => {
    setBusy(true);
    postJson('clock', { seconds })
      .then(
        () => {
          setError('');
          data.reload();
        },
        (failed: Error) => setError(failed.message),
      )
      .finally(() => setBusy(false));
  };
  const reading = data.value;
  return html`
    <details class="menu">
      <summary>${reading === undefined ? 'Clock' : html`<span class="time">${timeOf(reading.now)}</span>`}${reading?.ahead ? html` <span class="count">+${durationOf(reading.ahead * 1000)}</span>` : ''}</summary>
      <div class="panel">
        <p class="muted">Moves the time of the whole stack forward: what expires by then is deleted, and jobs that fall due run. It never goes back.</p>
        <div class="filters">${moves.map(([seconds, title]) => html`<button type="button" key=${seconds} disabled=${busy} onClick=${() => move(seconds)}>${title}</button>`)}</div>
        ${error === '' ? '' : html`<p class="notice bad" role="alert">${error}</p>`}
      </div>
    </details>`;
}
