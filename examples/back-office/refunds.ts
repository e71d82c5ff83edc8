import type { Order } from '../client.ts';
import { element } from '../web-shop/dom.ts';
import { type Field, fields, folded, form, type Values } from './forms.ts';
import type { Office, Refund, RefundRequest } from './office.ts';
import { badge, card, facts, money, quiet, table, time, toMoney, toText, words } from './parts.ts';
import { namesOf, unitFields, unitsIn } from './units.ts';

/** What was paid for an order and what went back. `again` shows the order anew. */
export function paidCard(
  office: Office,
  order: Order,
  refunds: readonly Refund[],
  again: () => Promise<void>,
): HTMLElement {
  const { payment, lines } = order;
  if (payment === null) return card('Payment', quiet('Nothing was paid.'));
  const rows = refunds.map(({ amount, status, reason, lines: units, createdAt }) => [
    units.length === 0 ? reason : element('span', {}, reason, element('br', {}), namesOf(units, lines)),
    badge(status),
    time(createdAt),
    money(amount),
  ]);
  return card(
    'Payment',
    facts([
      ['Status', badge(payment.status)],
      ['Refunded', money(payment.refunded)],
    ]),
    ...(rows.length === 0 ? [] : [table('Refunds', ['Reason', 'Status', 'Requested', '#Amount'], rows)]),
    ...refundUnits(office, order, refunds, again),
    ...refundMoney(office, order, again),
  );
}

/** Units that have shipped, with their shares of discount and tax, and shipping: nothing that has gone back already. */
function refundUnits(
  office: Office,
  order: Order,
  refunds: readonly Refund[],
  again: () => Promise<void>,
): HTMLElement[] {
  const { lines, shipping } = order;
  const standing = refunds.filter(({ status }) => status !== 'failed');
  const gone = (id: string): number =>
    standing
      .flatMap((refund) => refund.lines)
      .filter(({ productId }) => productId === id)
      .reduce((sum, { quantity }) => sum + quantity, 0);
  const left = lines.map(({ productId, shipped, cancelled }) => ({
    productId,
    quantity: Math.max(0, shipped + cancelled - gone(productId)),
  }));
  const hasShipping = shipping !== null && shipping.amount > 0 && standing.every((refund) => refund.shipping === null);
  const controls: Field[] = [
    ...unitFields(left, lines, 'none'),
    ...(hasShipping ? [{ name: 'shipping', label: `Shipping, ${money(shipping)}`, type: 'checkbox' as const }] : []),
  ];
  if (controls.length === 0) return [];
  const toRequest = (values: Values) =>
    values.shipping !== 'yes'
      ? { lines: unitsIn(values, lines) }
      : lines.some(({ productId }) => Number(values[productId] ?? 0) > 0)
        ? { lines: unitsIn(values, lines), shipping: true }
        : { shipping: true };
  const refund = refundForm(office, order, controls, 'Refund units', toRequest, again);
  return refund === undefined ? [] : [folded('Refund by line', refund)];
}

function refundMoney(office: Office, order: Order, again: () => Promise<void>): HTMLElement[] {
  const { payment, total } = order;
  const left = { ...total, amount: total.amount - (payment?.refunded.amount ?? 0) };
  const amount = { name: 'amount', label: `Amount in ${total.currency}`, value: toText(left), required: true };
  const toRequest = ({ amount = '' }: Values) => ({ amount: toMoney(amount, total.currency) });
  const refund = refundForm(office, order, [amount], 'Refund', toRequest, again);
  return refund === undefined ? [] : [folded('Refund money', refund)];
}

/** A form that gives money back and says why; undefined when there is none to give back. */
export function refundForm(
  office: Office,
  { id, status, payment, total, archived }: Order,
  controls: readonly Field[],
  submit: string,
  toRequest: (values: Values) => Omit<RefundRequest, 'reason'>,
  again: () => Promise<void>,
): HTMLFormElement | undefined {
  if (status !== 'confirmed' || payment?.status !== 'captured' || archived) return undefined;
  if (payment.refunded.amount >= total.amount) return undefined;
  const reason = { name: 'reason', label: 'Reason, for the customer too', required: true };
  return form(fields([...controls, reason]), submit, async (values, key) => {
    const { reason = '' } = values;
    const { status, failure } = await office.refund(id, { ...toRequest(values), reason }, key);
    if (status === 'failed') throw new Error(`The provider refused the refund: ${words(failure?.code ?? 'unknown')}.`);
    await again();
  });
}
