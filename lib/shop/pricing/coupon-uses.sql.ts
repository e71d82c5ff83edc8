import type { Fragment, Sql, TransactionSql } from 'postgres';
import { violates } from '../../database/violates.ts';
import { usedUp } from './coupons.ts';

/**
 * The parts of the statement that places an order which count its use of a coupon; nothing without a coupon. The row of the
 * coupon is locked until the transaction ends, so that orders count one after the other, and a constraint refuses what is
 * above a limit. They follow other parts after `with`.
 * @param when the query that has a row if the order is written
 */
export function couponUse(
  sql: Sql,
  order: { id: string; customerId: string | null; couponCode: string | null; createdAt: number },
  when: Fragment,
): Fragment {
  if (order.couponCode === null) return sql``;
  return sql`,
    coupon_counted as (
      update pricing.coupons c set used = c.used + 1 from ${when} where c.code = ${order.couponCode}
      returning c.code, c.customer_limit
    ),
    coupon_of_customer as (
      insert into pricing.coupon_customers as k (code, customer_id, uses, at_most)
      select counted.code, ${order.customerId}, 1, counted.customer_limit from coupon_counted counted
      where ${order.customerId}::text is not null
      on conflict (code, customer_id) do update set uses = k.uses + 1, at_most = excluded.at_most
    ),
    coupon_used as (
      insert into pricing.coupon_uses (order_id, code, customer_id, used_at)
      select ${order.id}, counted.code, ${order.customerId}, ${new Date(order.createdAt)}::timestamptz
      from coupon_counted counted
    )`;
}

/** Names the limit of a coupon that an order came too late for. */
export const explainCouponLimit =
  ({ couponCode }: { couponCode: string | null }) =>
  (error: unknown): never => {
    if (violates(error, 'coupon_within_limit')) throw usedUp(couponCode!, 'all');
    if (violates(error, 'coupon_within_customer_limit')) throw usedUp(couponCode!, 'customer');
    throw error;
  };

/**
 * The parts of the statement that ends an order which give its use of a coupon back. They follow other parts after `with`.
 * @param ended the query with the `id` of the order, if it failed or was cancelled
 */
export const couponGivenBack = (sql: Sql | TransactionSql, ended: Fragment): Fragment => sql`,
    coupon_unused as (
      delete from pricing.coupon_uses u using ${ended} where u.order_id = ended.id
      returning u.code, u.customer_id
    ),
    coupon_uncounted as (
      update pricing.coupons c set used = c.used - 1 from coupon_unused unused where c.code = unused.code
      returning c.code
    ),
    coupon_of_customer_uncounted as (
      update pricing.coupon_customers k set uses = k.uses - 1
      from coupon_uncounted c, coupon_unused unused
      where k.code = c.code and k.customer_id = unused.customer_id
    )`;
