import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { unwrap } from '../client.ts';
import {
  close,
  follow,
  forgiveComplaints,
  heading,
  launch,
  looksWell,
  open,
  openOrder,
  page,
  part,
  placeOrder,
  press,
  quit,
  see,
  send,
  signIn,
  staff,
  unfold,
} from './staff.ts';

beforeAll(launch);
afterAll(quit);

beforeEach(async () => {
  await open(1200, 'light');
  await signIn();
});
afterEach(close);

describe('the staff', () => {
  test('refund a part of a payment once, and are told when it is too much', async () => {
    await openOrder(await placeOrder());
    await page.locator('summary', { hasText: 'Refund money' }).click();
    await page.getByLabel('Amount in EUR').fill('99999');
    await page.getByRole('textbox', { name: 'Reason' }).fill('broken');
    await press('Refund');
    await page.getByRole('alert').getByText('are left').waitFor();
    forgiveComplaints();
    await page.getByLabel('Amount in EUR').fill('1,50');
    await press('Refund');
    await page.getByRole('cell', { name: '€1.50' }).waitFor();
    expect(await page.getByRole('row').filter({ hasText: 'broken' }).count()).toBe(1);
  });

  test('pack two parcels, ship one with its tracking, and say that it is delivered', async () => {
    await openOrder(await placeOrder());
    const parcels = part('Parcels');
    await parcels.getByText('unfulfilled').waitFor();
    await unfold('Pack a parcel');
    const [first, second] = await parcels.getByRole('spinbutton').all();
    await first!.fill('1');
    await second!.fill('0');
    await press('Pack');
    await unfold('Ship it');
    await page.getByLabel('Carrier').fill('DHL');
    await page.getByLabel('Tracking number').fill('0034');
    await page.getByLabel('Address where it is tracked').fill('https://dhl.example/0034');
    await press('It is shipped');
    await parcels.getByText('partially fulfilled').waitFor();
    expect(await page.getByRole('link', { name: 'DHL 0034' }).getAttribute('href')).toBe('https://dhl.example/0034');
    await press('It is delivered');
    await parcels.getByRole('listitem').getByText('delivered', { exact: true }).waitFor();
    // What is left is what the next parcel takes.
    await unfold('Pack a parcel');
    await press('Pack');
    await unfold('Unpack it');
    await press('Unpack');
    await parcels.getByText('cancelled').waitFor();
    expect(await parcels.getByRole('listitem').count()).toBe(2);
    await part('What happened').getByText('order delivered').waitFor();
  });

  test('cancel a unit that has not shipped, which is paid back and packed no more', async () => {
    const number = await placeOrder();
    await openOrder(number);
    const parcels = part('Parcels');
    const cancel = parcels.locator('details').filter({ hasText: 'Cancel what has not shipped' });
    await unfold('Cancel what has not shipped');
    await press('Cancel and refund');
    await page.getByRole('alert').getByText('Say how many units').waitFor();
    await cancel.getByRole('spinbutton').first().fill('1');
    await press('Cancel and refund');
    await see('1 cancelled');
    await part('What happened').getByText('units cancelled').waitFor();
    const refund = part('Payment').getByRole('row').filter({ hasText: '1 × ' });
    for (; (await refund.getByText('succeeded').count()) === 0; await page.waitForTimeout(500)) {
      await follow('Orders');
      await heading('Orders');
      await openOrder(number);
    }
    for (const form of ['Pack a parcel', 'Cancel what has not shipped']) {
      await unfold(form);
      const units = parcels.locator('details').filter({ hasText: form }).getByRole('spinbutton').first();
      expect(await units.getAttribute('max')).toBe('1');
    }
  });

  test('are told when a parcel would be empty, and nothing is packed', async () => {
    await openOrder(await placeOrder());
    await unfold('Pack a parcel');
    for (const units of await part('Parcels').getByRole('spinbutton').all()) await units.fill('0');
    await press('Pack');
    await page.getByRole('alert').getByText('Say how many units').waitFor();
    await see('Nothing is packed.');
  });

  test('reject a return, receive another, and refund what arrived, a line and the shipping', async () => {
    const number = await placeOrder('pm_card_visa', 'express');
    const { lines } = await send(number);
    const [{ name, productId }, { name: other }] = [lines[0]!, lines[1]!];
    await openOrder(number);
    const returns = part('Returns');
    const request = async (product: string, units: number) => {
      await unfold('Request a return');
      await returns.getByLabel(`${product}, at most 2`).fill(String(units));
      await returns.getByLabel('Reason').selectOption('damaged');
      await press('Request');
    };
    await request(other, 1);
    await unfold('Reject it');
    await returns.getByRole('listitem').getByLabel('Reason').fill('It was used.');
    await press('Reject');
    await returns.getByText('It was used.').waitFor();

    await request(name, 2);
    const before = await onHand(productId);
    await unfold('It has arrived');
    await returns.getByLabel(`${name}, back to the shelf`).fill('1');
    await returns.getByLabel(`${name}, cannot be sold`).fill('1');
    await press('Receive');
    await returns.getByText('1 restocked, 1 written off').waitFor();
    expect(await onHand(productId)).toBe(before + 1);
    await unfold('Refund it');
    await returns.getByLabel('Reason, for the customer').fill('two arrived broken');
    await press('Refund what arrived');
    const refunds = part('Payment').getByRole('row');
    await refunds
      .filter({ hasText: `two arrived broken2 × ${name}` })
      .getByText('succeeded')
      .waitFor();
    expect(await page.locator('summary', { hasText: 'Refund it' }).count()).toBe(0);

    await unfold('Refund by line');
    expect(await part('Payment').getByLabel(`${name}, at most`).count()).toBe(0);
    await part('Payment').getByLabel(`${other}, at most 2`).fill('2');
    await part('Payment').getByLabel('Reason').first().fill('never wanted');
    await press('Refund units');
    await refunds
      .filter({ hasText: `never wanted2 × ${other}` })
      .getByText('succeeded')
      .waitFor();
    await unfold('Refund by line');
    await part('Payment').getByLabel('Shipping').check();
    await part('Payment').getByLabel('Reason').first().fill('it came late');
    await press('Refund units');
    await refunds.filter({ hasText: 'it came late' }).getByText('succeeded').waitFor();
    // That is all there was: no money is left.
    expect(await page.locator('summary', { hasText: 'Refund' }).count()).toBe(0);
  });

  const onHand = async (productId: string) =>
    (await unwrap(staff().GET('/products/{productId}/stock-movements', { params: { path: { productId } } }))).level
      .onHand;

  test('compensate an order in manual review again, and settle it by hand when that does not help', async () => {
    const number = await placeOrder('pm_timeoutAlways');
    const openReview = async () => {
      await follow('Review');
      await heading('Manual review');
      while ((await page.getByRole('link', { name: number, exact: true }).count()) === 0) {
        await page.waitForTimeout(500);
        await follow('Orders');
        await heading('Orders');
        await follow('Review');
        await heading('Manual review');
      }
      await follow(number);
      await heading(`Manual review of ${number}`);
    };
    await openReview();
    await see('OutcomeUnknown');
    await see('up to €');
    await looksWell('in-review');
    await page.setViewportSize({ width: 390, height: 900 });
    await looksWell('in-review');
    await press('Compensate again');
    await see('It is not in manual review any more.');
    await openReview();
    await press('End it as failed');
    expect(
      await page.getByLabel('What was done').evaluate((control: HTMLTextAreaElement) => control.validity.valid),
    ).toBe(false);
    await page.getByLabel('What was done').fill('The provider has no charge.');
    await press('End it as failed');
    await see('It is not in manual review any more.');
    await follow('The order');
    await heading(`Order ${number}`);
    await page.locator('.top').getByText('failed').waitFor();
  });
});
