import type { Fragment, Sql, TransactionSql } from 'postgres';

/** Whose order is meant: that of a customer, of the guest who holds the token with this hash, or of anybody. */
export type Owner = { customerId: string } | { tokenHash: string } | { anybody: true };

/** An order, if it belongs to its owner. */
export type OfOwner = { orderId: string } & Owner;

/**
 * The part of a `where` clause that holds an order, whose columns are `id` and `customer_id`, to its owner. A guest's order is
 * theirs until a customer's account or the archive takes it.
 */
export function ownedBy(sql: Sql | TransactionSql, of: OfOwner): Fragment {
  if ('customerId' in of) return sql`and customer_id = ${of.customerId}`;
  if ('anybody' in of) return sql``;
  return sql`and id = (
    select g.id from orders.orders g where g.id = ${of.orderId} and g.guest_token = ${of.tokenHash} and g.customer_id is null
  )`;
}
