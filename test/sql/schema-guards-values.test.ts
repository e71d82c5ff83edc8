import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openShop, type Shop } from '../support/shop-by-hand.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
  await shop.restock();
});
afterAll(() => shop.close());

const hex = '0123456789abcdef'.repeat(2);

describe('an id or a currency', () => {
  const right: Record<string, string> = {
    customer_id: `cus_${hex}`,
    product_id: `prd_${hex}`,
    order_id: `ord_${hex}`,
    payment_id: `pay_${hex}`,
    movement_id: `mov_${hex}`,
    event_id: `evt_${hex}`,
    refund_id: `rfd_${hex}`,
    fulfilment_id: `ful_${hex}`,
    return_id: `ret_${hex}`,
    finding_id: `fnd_${hex}`,
    action_id: `act_${hex}`,
    mail_id: `eml_${hex}`,
    access_id: `acc_${hex}`,
    category_id: `cat_${hex}`,
    identity_id: `idn_${hex}`,
    import_id: `imp_${hex}`,
    cancellation_id: `can_${hex}`,
    report_subscription_id: `rsb_${hex}`,
    report_run_id: `rrn_${hex}`,
    report_export_id: `rex_${hex}`,
    address_id: `adr_${hex}`,
    currency: 'EUR',
  };
  const cast = (value: string, domain: string) => shop.sql.unsafe(`select $1::kernel.${domain}`, [value]);

  test.each(Object.entries(right))('%s is of one form alone', async (domain, value) => {
    expect(await cast(value, domain)).toHaveLength(1);
    const others = Object.values(right).filter((other) => other !== value);
    for (const wrong of [
      ...others,
      '',
      `${value}0`,
      ` ${value}`,
      `${value}\n`,
      value.slice(1),
      value.toLowerCase() + value,
    ]) {
      await expect(cast(wrong, domain), wrong).rejects.toMatchObject({ code: '23514' });
    }
  });

  test('this list has every domain of the database', async () => {
    const rows = await shop.sql`
      select typname as name from pg_type where typtype = 'd' and typnamespace = 'kernel'::regnamespace`;
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(right).sort());
  });
});

describe('an idempotency record', () => {
  const insert = (parts: { key?: string; seconds?: number }) => shop.sql`
    insert into orders.idempotency_keys
      (caller, key, operation, request_hash, status, headers, created_at, expires_at)
    values (
      'customer:x', ${parts.key ?? 'k'}, 'place-order', 'h', 202, '{}', '2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => ${parts.seconds ?? 86_400})
    )`;

  test('has a key of 1 to 255 characters', async () => {
    await insert({ key: 'a' });
    await insert({ key: 'b'.repeat(255) });
    for (const key of ['', 'c'.repeat(256)]) await expect(insert({ key })).rejects.toMatchObject({ code: '23514' });
  });

  test('is kept for at least a day', async () => {
    await insert({ key: 'a day', seconds: 86_400 });
    await expect(insert({ key: 'less', seconds: 86_399 })).rejects.toMatchObject({ code: '23514' });
  });

  test('is unique for a caller and key', async () => {
    await insert({ key: 'once' });
    await expect(insert({ key: 'once' })).rejects.toMatchObject({ code: '23505' });
  });
});

test('a level can be locked by an update that keeps its product', async () => {
  await shop.sql`update stock.levels set product_id = product_id where product_id = ${shop.productId}`;
  expect(await shop.level()).toEqual({ on_hand: 10, reserved: 0 });
});
