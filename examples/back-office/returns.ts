import type { Order } from '../client.ts';
import { element } from '../web-shop/dom.ts';
import { type Field, fields, folded, form, type Values } from './forms.ts';
import type { Office, Refund } from './office.ts';
import { badge, type Content, card, quiet, words } from './parts.ts';
import { refundForm } from './refunds.ts';
import { nameOf, namesOf, unitFields, unitsIn } from './units.ts';

type Return = Awaited<ReturnType<Office['returns']>>[number];
type Reason = Return['lines'][number]['reason'];

const reasons: readonly Reason[] = ['damaged', 'defective', 'wrong-item', 'not-as-described', 'too-late', 'unwanted'];

/** What comes back of an order, and what still may. `again` shows the order anew. */
export function returnsCard(
  office: Office,
  order: Order,
  returns: readonly Return[],
  refunds: readonly Refund[],
  again: () => Promise<void>,
): Content[] {
  const { id, lines, archived } = order;
  const left = lines.map(({ productId, shipped, returned }) => ({ productId, quantity: shipped - returned }));
  const units = archived ? [] : unitFields(left, lines, 'none');
  if (units.length === 0 && returns.length === 0) return [];
  const ask = form(
    fields([
      ...units,
      { name: 'reason', label: 'Reason', value: 'unwanted', options: reasons.map((each) => [each, words(each)]) },
    ]),
    'Request',
    async (values, key) => {
      const reason = values.reason as Reason;
      await office.requestReturn(
        id,
        unitsIn(values, lines).map((each) => ({ ...each, reason })),
        key,
      );
      await again();
    },
  );
  const items = returns.map((each) => returnItem(office, order, each, refunds, again));
  return [
    card(
      'Returns',
      ...(items.length === 0 ? [quiet('Nothing comes back.')] : [element('ul', { className: 'parts' }, ...items)]),
      ...(units.length === 0 ? [] : [folded('Request a return', ask)]),
    ),
  ];
}

function returnItem(
  office: Office,
  order: Order,
  asked: Return,
  refunds: readonly Refund[],
  again: () => Promise<void>,
): HTMLElement {
  const { id, status, rejection } = asked;
  const refunded = refunds.some((refund) => refund.returnId === id && refund.status !== 'failed');
  const refund = refundForm(office, order, [], 'Refund what arrived', () => ({ returnId: id }), again);
  const next =
    status === 'requested'
      ? [
          folded('It has arrived', receiving(office, order, asked, again)),
          folded('Reject it', rejecting(office, asked, again)),
        ]
      : status === 'received' && !refunded && refund !== undefined
        ? [folded('Refund it', refund)]
        : [];
  return element(
    'li',
    {},
    element('p', {}, badge(status), ` ${namesOf(asked.lines, order.lines)}`),
    quiet(rejection ?? asked.lines.map((line) => fate(line, status, order)).join(', ')),
    ...(order.archived ? [] : next),
  );
}

/** Why a product comes back, and what has become of it. */
function fate({ productId, reason, restocked, writtenOff }: Return['lines'][number], status: string, { lines }: Order) {
  const why = `${nameOf(productId, lines)}: ${words(reason)}`;
  return status === 'received' ? `${why}, ${restocked} restocked, ${writtenOff} written off` : why;
}

function receiving(
  office: Office,
  { lines }: Order,
  { id, orderId, lines: asked }: Return,
  again: () => Promise<void>,
): HTMLFormElement {
  const units = (productId: string, most: number, name: string, label: string, value: number): Field => ({
    name: `${name} ${productId}`,
    label: `${nameOf(productId, lines)}, ${label}, at most ${most}`,
    type: 'number',
    value: String(value),
    required: true,
    min: 0,
    max: most,
  });
  const controls = asked.flatMap(({ productId, quantity }) => [
    units(productId, quantity, 'restock', 'back to the shelf', quantity),
    units(productId, quantity, 'writeOff', 'cannot be sold', 0),
  ]);
  return form(fields(controls), 'Receive', async (values: Values, key) => {
    const received = asked.map(({ productId }) => ({
      productId,
      restock: Number(values[`restock ${productId}`]),
      writeOff: Number(values[`writeOff ${productId}`]),
    }));
    await office.receive({ orderId, returnId: id }, received, key);
    await again();
  });
}

const rejecting = (office: Office, { id, orderId }: Return, again: () => Promise<void>): HTMLFormElement =>
  form(
    fields([{ name: 'reason', label: 'Reason, for the customer too', required: true }]),
    'Reject',
    async ({ reason = '' }, key) => {
      await office.reject({ orderId, returnId: id }, reason, key);
      await again();
    },
  );
