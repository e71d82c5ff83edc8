import { expect, test } from 'vitest';
import { toReviewOrder } from '../../lib/operations/manual-review/order.ts';
import { detailsOf } from '../../lib/shop/orders/place.ts';

test('an operator sees that an order waits for its customer, but not the secret with which anybody could pay it', () => {
  const secret = 'pi_3Px_secret_Ab12cd';
  const at = new Date();
  const shown = toReviewOrder(
    {
      id: `ord_${'1'.repeat(32)}`,
      number: 'CF-10001',
      placedBy: null,
      ...detailsOf({}),
      customerId: `cus_${'1'.repeat(32)}`,
      status: 'pending_payment',
      fulfilmentStatus: 'unfulfilled',
      currency: 'EUR',
      subtotal: 1000,
      discountAmount: 0,
      discountReason: null,
      couponCode: null,
      shippingMethod: null,
      shippingAmount: 0,
      shippingTax: 0,
      shippingTaxRate: null,
      taxAmount: 0,
      taxIncluded: null,
      reverseCharge: false,
      total: 1000,
      failureCode: null,
      failureDetail: null,
      paymentId: null,
      paymentStatus: null,
      paymentRefunded: null,
      paymentAction: { action: { type: 'stripe', clientSecret: secret }, expiresAt: at.toISOString() },
      lines: [],
      createdAt: at,
      updatedAt: at,
      version: 3,
      archived: false,
      compensationAttempts: 0,
      manualReview: null,
    },
    at.getTime(),
  );
  expect(shown.paymentAction).toMatchObject({ action: { type: 'stripe', clientSecret: '[redacted]' } });
  expect(JSON.stringify(shown)).not.toContain(secret);
});
