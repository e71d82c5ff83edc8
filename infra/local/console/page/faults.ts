import { useState } from 'preact/hooks';
import { html, postJson, useData } from './lib.ts';

type FaultList = {
  faults: { name: string; does: string }[];
  armed: { name: string; until: string | null }[];
};

const labels: Record<string, string> = {
  decline: 'Decline the next charge',
  'lose-answer': 'Lose the next answer',
  kill: 'Kill the next step',
  'provider-away': 'Take the payment provider away for 60 s',
  'dynamo-away': 'Take DynamoDB away for 10 s',
  'pause-replication': 'Pause replication for 30 s',
};

/** What a developer may want to try. */
export function Faults() {
  const data = useData<FaultList>('faults');
  const [error, setError] = useState('');
  const armed = data.value?.armed ?? [];
  const send = (address: string, body: object) => {
    postJson(address, body).then(
      () => {
        setError('');
        data.reload();
      },
      (failed: Error) => setError(failed.message),
    );
  };
  return html`
    <details class="menu">
      <summary>Faults${armed.length > 0 ? html` <span class="count">${armed.length} armed</span>` : ''}</summary>
      <div class="panel">
        <p class="muted">Each strikes once, whichever order comes first, or lasts as long as it says.</p>
        ${(data.value?.faults ?? []).map(({ name, does }) => {
          const on = armed.find((each) => each.name === name);
          return html`
            <div class="fault" key=${name}>
              <button type="button" disabled=${on !== undefined} onClick=${() => send('faults', { name })}>
                ${labels[name] ?? name}
              </button>
              <small>${on === undefined ? does : on.until === null ? 'Armed: waits for its step.' : 'Under way.'}</small>
            </div>`;
        })}
        <button type="button" class="quiet" disabled=${armed.length === 0} onClick=${() => send('faults/clear', {})}>
          Take all back
        </button>
        ${error === '' ? '' : html`<p class="notice bad" role="alert">${error}</p>`}
      </div>
    </details>`;
}
