import { useState } from 'preact/hooks';
import type { OrderView } from '../order.ts';
import { durationOf, html, money, postJson } from './lib.ts';

/** What manual review may do: run the compensation again, or declare by hand how the order ends. */
export function Review({ view: { order, manualReview }, onDone }: { view: OrderView; onDone: () => void }) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const [note, setNote] = useState('');
  const review = manualReview.findLast(({ settledAt }) => settledAt === null);
  const outcome = review?.fromStatus === 'cancelling' || review?.fromStatus === 'confirmed' ? 'cancelled' : 'failed';
  const send = (action: string, body: object) => {
    setBusy(true);
    postJson(`orders/${order.id}/${action}`, body)
      .then(
        () => {
          setError('');
          onDone();
        },
        (failed: Error) => setError(failed.message),
      )
      .finally(() => setBusy(false));
  };
  const resolve = (event: Event) => {
    event.preventDefault();
    send('resolve', { outcome, note });
  };
  return html`
    <section class="notice review" aria-label="Manual review">
      <h2>Manual review</h2>
      ${
        review === undefined
          ? ''
          : html`<p>
              ${review.steps.length === 0 ? 'The saga ended without a compensation' : `${review.steps.join(', ')} could not be done`}, ${durationOf(review.ageSeconds * 1000)} ago.
              At stake: ${money(review.moneyAtStake.amount, review.moneyAtStake.currency)}${review.moneyAtStake.certain ? ', ' : ' at most, '}
              ${review.stockAtStake.length === 0 ? 'no stock' : review.stockAtStake.map(({ quantity, sku, state }) => `${quantity} × ${sku} ${state}`).join(', ')}.
            </p>`
      }
      <div class="acts">
        <button type="button" disabled=${busy} onClick=${() => send('retry', {})}>Retry the compensation</button>
        <form onSubmit=${resolve}>
          <label>Why no money is kept <input required maxlength="2000" value=${note} onInput=${(event: InputEvent) => setNote((event.target as HTMLInputElement).value)} /></label>
          <button type="submit" disabled=${busy}>Resolve as ${outcome}</button>
        </form>
      </div>
      <p class="muted">Retry when the cause is gone. <code>docs/runbooks/orders-in-manual-review.md</code> says what to do, and has the command for many orders at once.</p>
      ${error === '' ? '' : html`<p role="alert"><b>${error}</b></p>`}
    </section>`;
}
