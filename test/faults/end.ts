import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { ProviderCharge } from '../support/provider-transactions.ts';
import type { World } from './world.ts';

const money: Record<string, string> = {
  authorized: 'money held',
  captured: 'money kept',
  silent: 'money unknown',
  requires_action: 'payment open',
};

type Standing = {
  status: string;
  keepsStock: boolean;
  payment: string | null;
  refund: string | null;
  shipped: string;
  cancelled: string;
  coupon: string | null;
  opened: number;
};

/**
 * How an order stands, in words: its status, what of it is at stake when it needs manual review, and whether an alarm rang for
 * an order that is well. Reads the tables, and nothing through the product.
 * @param tellsCoupon whether the words say what became of the use of its coupon
 */
export async function readEnd({ saga, executions }: World, orderId: string, tellsCoupon = false): Promise<string> {
  const [row] = await saga.owner`
    select status, exists (
      select from stock.reservations r where r.order_id = o.id and r.state in ('held', 'committed')
    ) as keeps_stock, (
      select ', payment ' || p.status from payments.payments p where p.order_id = o.id and o.capture_at is not null
    ) as payment, (
      select ', refund ' || string_agg(f.status, ' and ' order by f.id) from payments.refunds f where f.order_id = o.id
    ) as refund, case fulfilment_status when 'unfulfilled' then '' when 'partially_fulfilled' then ', shipped in part'
      else ', shipped' end as shipped, (
      select case when sum(l.cancelled) > 0 then ', rest cancelled' else '' end from orders.lines l where l.order_id = o.id
    ) as cancelled, (
      select case c.used when 0 then ', coupon free' else ', coupon used' end from pricing.coupons c where c.code = o.coupon_code
    ) as coupon, (
      select count(*)::integer from orders.timeline t where t.order_id = o.id and t.detail ->> 'to' = 'needs_attention'
    ) as opened
    from orders.orders o where id = ${orderId}`;
  const charge = await readCharge(saga, orderId);
  if (row === undefined) return `charge ${charge?.status}`;
  const { status, keepsStock, payment, refund, shipped, cancelled, coupon, opened } = row as Standing;
  if (status !== 'needs_attention') {
    const own = (await executions(orderId)).filter(({ name }) => name?.startsWith(orderId));
    const alarmed = own.filter((execution) => execution.status !== 'SUCCEEDED').length > opened;
    const use = tellsCoupon ? coupon : '';
    return `${status}${payment ?? ''}${refund ?? ''}${shipped}${cancelled}${use}${alarmed ? ' (false alarm)' : ''}`;
  }
  const stakes = [charge && money[charge.status], keepsStock ? 'stock kept' : undefined].filter(
    (each) => each !== undefined,
  );
  return stakes.length === 0 ? status : `${status} (${stakes.join(', ')})`;
}

/** What the provider has of an order. */
export async function readCharge({ dynamo }: World['saga'], orderId: string): Promise<ProviderCharge | undefined> {
  const read = new GetCommand({ TableName: 'charges', Key: { orderId }, ConsistentRead: true });
  return (await dynamo.documents.send(read)).Item as ProviderCharge | undefined;
}
