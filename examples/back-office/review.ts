import { element } from '../web-shop/dom.ts';
import { fields, form } from './forms.ts';
import type { Office } from './office.ts';
import { story } from './order.ts';
import { card, facts, link, money, nextPage, quiet, table, time, type View, words } from './parts.ts';

/** The orders that a person has to settle, the longest unchanged first. */
export async function reviewsView(office: Office, { cursor }: { cursor?: string }): Promise<View> {
  const { data, nextCursor } = await office.inReview(cursor);
  const rows = data.map(({ id, number, total, manualReview }) => [
    link(`#/review/${id}`, number),
    money(total),
    words(manualReview?.reason ?? 'unknown'),
    manualReview === null ? '' : time(manualReview.openedAt),
  ]);
  return {
    title: 'Manual review',
    content: [
      card(
        'Orders that need a person',
        rows.length === 0
          ? quiet('No order is in manual review.')
          : table('Orders in manual review', ['Number', '#Total', 'Reason', 'Since'], rows),
        ...nextPage('review', {}, nextCursor),
      ),
    ],
  };
}

/** Why an order is in manual review, and the two ways out. `again` shows it anew. */
export async function reviewView(office: Office, orderId: string, again: () => Promise<void>): Promise<View> {
  const { order, manualReview, timeline, payments } = await office.explain(orderId);
  const [review] = manualReview.filter(({ settledAt }) => settledAt === null);
  const stakes = review?.stockAtStake.map(({ sku, quantity, state }) => `${quantity} × ${sku} ${state}`).join(', ');
  return {
    title: `Manual review of ${order.number}`,
    content: [
      link(`#/orders/${orderId}`, 'The order'),
      element(
        'div',
        { className: 'columns' },
        element(
          'div',
          { className: 'column' },
          card(
            'Why it is here',
            review === undefined
              ? quiet('It is not in manual review any more.')
              : facts([
                  ['Reason', words(review.reason)],
                  ['Steps', review.steps.join(', ')],
                  ['Error', element('code', {}, `${review.error}: ${review.message}`)],
                  ['Money at stake', `${review.moneyAtStake.certain ? '' : 'up to '}${money(review.moneyAtStake)}`],
                  ['Stock at stake', stakes],
                  ['Since', time(review.openedAt)],
                  ...payments.map(
                    ({ provider, reference, status }) =>
                      ['Payment', `${words(status)}, ${reference} at ${provider}`] as [string, string],
                  ),
                ]),
          ),
          ...(review === undefined ? [] : waysOut(office, orderId, review.fromStatus, again)),
        ),
        element('div', { className: 'column' }, story(timeline)),
      ),
    ],
  };
}

function waysOut(office: Office, orderId: string, fromStatus: string, again: () => Promise<void>): HTMLElement[] {
  // An order that was confirmed or being cancelled ends cancelled, any other failed.
  const outcome = fromStatus === 'confirmed' || fromStatus === 'cancelling' ? 'cancelled' : 'failed';
  const retry = form([], 'Compensate again', async (_, key) => {
    await office.retry(orderId, key);
    await again();
  });
  const resolve = form(
    fields([
      { name: 'note', label: 'What was done, for the audit', rows: 3, required: true },
      { name: 'refundReference', label: 'Reference of the refund at the provider, if there was one' },
    ]),
    `End it as ${outcome}`,
    async ({ note = '', refundReference = '' }, key) => {
      const reference = refundReference.trim();
      await office.resolve(orderId, { outcome, note, ...(reference && { refundReference: reference }) }, key);
      await again();
    },
  );
  return [
    card('Try again', quiet('Refunds the payment, releases the stock and closes the order.'), retry),
    card(
      'Settle it by hand',
      quiet('Only once no money is kept: held stock goes back, the payment counts as refunded.'),
      resolve,
    ),
  ];
}
