import { describe, expect, test } from 'vitest';
import { digitsOf, formatMoney } from '../../examples/money.ts';
import { money } from '../../infra/local/console/page/lib.ts';
import { currencyExponent, isCurrency } from '../../lib/kernel/money.ts';

const currencies = Intl.supportedValuesOf('currency').filter(isCurrency);

/** The number in a printed amount. */
const numberIn = (text: string) => /\d[\d.]*/.exec(text)?.[0];

describe('an amount on a page', () => {
  test.each(currencies)('of %s has the digits that the API counts', (currency) => {
    const digits = currencyExponent(currency);
    expect(digitsOf(currency)).toBe(digits);
    const printed = (1.2344).toFixed(digits);
    const amount = Math.round(1.2344 * 10 ** digits);
    expect(numberIn(formatMoney({ amount, currency }, 'en'))).toBe(printed);
    expect(numberIn(money(amount, currency))).toBe(printed);
  });

  test('is in the order of its reader, and negative when money went back', () => {
    expect(formatMoney({ amount: -123456, currency: 'EUR' }, 'de')).toBe('-1.234,56\u00a0€');
    expect(formatMoney({ amount: 2345, currency: 'KWD' }, 'en')).toBe('KWD\u00a02.345');
    expect(formatMoney({ amount: 98, currency: 'JPY' }, 'en')).toBe('¥98');
    expect(formatMoney({ amount: 199_900, currency: 'HUF' }, 'en')).toBe('HUF\u00a01,999.00');
  });
});
