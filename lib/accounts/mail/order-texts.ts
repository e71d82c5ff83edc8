import { currencyExponent, type Money } from '../../kernel/money.ts';
import type { OrderMailKind } from './texts.ts';

/** What a mail says about an order. */
export type OrderNews = { number: string; amount?: Money; reason?: string; parcel?: Parcel };

type Parcel = Record<'carrier' | 'trackingNumber' | 'trackingUrl', string | null>;

/** The subject and text of a mail about an order. */
export function orderMailOf(
  kind: OrderMailKind,
  { number, amount, reason, parcel }: OrderNews,
): { subject: string; text: string } {
  const [subject, ...paragraphs] = texts[kind](
    amount === undefined ? '' : amountText(amount),
    reason ?? '',
    parcel ?? unknownParcel,
  );
  return { subject: subject!, text: `${[...paragraphs, `Your order's number: ${number}`].join('\n\n')}\n` };
}

const texts: Readonly<Record<OrderMailKind, (amount: string, reason: string, parcel: Parcel) => string[]>> = {
  'order-confirmed': (amount) => [
    'Your order is confirmed',
    'Thank you for your order. It is paid, and the goods are reserved for you.',
    `You paid ${amount}.`,
  ],
  'order-failed': (_, reason) => [
    'Your order could not be completed',
    `${reasons[reason] ?? 'The order could not be completed.'} No money is kept.`,
  ],
  'order-cancelled': () => [
    'Your order is cancelled',
    'Your order was cancelled as you asked. What you paid is on its way back to you; your bank may take a few days to show it.',
  ],
  'order-shipped': (_, __, { carrier, trackingNumber, trackingUrl }) => [
    'Your order is on its way',
    'A parcel of your order was handed to the carrier. If your order has several parcels, each of them has a mail of its own.',
    ...(carrier === null ? [] : [`Carrier: ${carrier}`]),
    ...(trackingNumber === null ? [] : [`Tracking number: ${trackingNumber}`]),
    ...(trackingUrl === null ? [] : [`Follow it here: ${trackingUrl}`]),
  ],
  'units-cancelled': (amount) => [
    'A part of your order is cancelled',
    'A part of your order that had not shipped was cancelled. The rest of your order goes on.',
    `What you pay is less by ${amount}. If it was paid already, it goes back to you.`,
  ],
  'order-refunded': (amount) => [
    'A refund is on its way',
    `We have refunded ${amount} of your order. Your bank may take a few days to show it.`,
  ],
};

const unknownParcel: Parcel = { carrier: null, trackingNumber: null, trackingUrl: null };

const reasons: Readonly<Record<string, string>> = {
  'out-of-stock': 'A product of your order was sold out.',
  'payment-declined': 'Your payment was declined.',
  'payment-expired': 'Your payment was not completed in time.',
};

/** Such as `EUR 19.99`: the code, because a symbol can stand for several currencies. */
export function amountText({ amount, currency }: Money): string {
  const digits = currencyExponent(currency);
  const text = String(amount).padStart(digits + 1, '0');
  return `${currency} ${digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`}`;
}
