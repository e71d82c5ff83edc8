import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { brokenInvariants, type ProviderCharge } from '../support/provider-transactions.ts';
import type { Saga } from '../support/saga.ts';
import { couldCost, discountOf, foreseenEnds } from './model.ts';
import type { Played } from './play.ts';

/** Holds what came of a history against the transactions and the model. @returns a sentence for each promise that was broken */
export async function brokenPromises({ owner, dynamo }: Saga, { orders, products, violations }: Played) {
  const orderIds = orders.map(({ id }) => id);
  const productIds = products.map(({ id }) => id);
  const charges = await Promise.all(
    orderIds.map(async (orderId) => {
      const { Item } = await dynamo.documents.send(new GetCommand({ TableName: 'charges', Key: { orderId } }));
      return Item as ProviderCharge | undefined;
    }),
  );
  const broken = [...violations];
  broken.push(
    ...(await brokenInvariants(
      owner,
      charges.filter((charge) => charge !== undefined),
      { orderIds, productIds },
    )),
  );
  const lines = await owner`
    select l.order_id, l.product_id, l.quantity, l.unit_price, o.status, o.failure_code, o.subtotal, o.total
    from orders.lines l join orders.orders o on o.id = l.order_id
    where l.product_id in ${owner(productIds)}`;
  for (const orderId of new Set(lines.map((line) => line.orderId as string)))
    if (!orderIds.includes(orderId)) broken.push(`order ${orderId} was made, and nobody was told of it`);

  for (const order of orders) {
    const own = lines.filter(({ orderId }) => orderId === order.id);
    const [first] = own;
    if (first === undefined) {
      broken.push(`order ${order.id} is gone`);
      continue;
    }
    const end = first.failureCode === null ? first.status : `${first.status}: ${first.failureCode}`;
    const foreseen = foreseenEnds(order, orders, products);
    if (!foreseen.includes(end) && !foreseen.includes(first.status))
      broken.push(`order ${order.id} ended ${end}; foreseen was ${foreseen.join(' or ')}`);
    const subtotal = own.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
    if (first.subtotal !== subtotal || first.total !== subtotal - discountOf(subtotal))
      broken.push(`order ${order.id} of ${subtotal} has a total of ${first.total}`);
    for (const { productId, quantity } of order.lines) {
      const line = own.find((one) => one.productId === productId);
      if (line?.quantity !== quantity)
        broken.push(`order ${order.id} has ${line?.quantity} of ${productId}, not ${quantity}`);
      else if (!couldCost(order, products.find(({ id }) => id === productId)!, line.unitPrice))
        broken.push(`order ${order.id} has ${productId} at ${line.unitPrice}, which was not its price then`);
    }
  }

  const levels = await owner`select product_id, on_hand from stock.levels where product_id in ${owner(productIds)}`;
  for (const { id, stocked } of products) {
    const sold = lines.filter(({ productId, status }) => productId === id && status === 'confirmed');
    const expected = stocked - sold.reduce((sum, { quantity }) => sum + quantity, 0);
    const onHand = levels.find(({ productId }) => productId === id)?.onHand ?? 0;
    if (onHand !== expected) broken.push(`product ${id} has ${onHand} on hand; expected are ${expected}`);
  }
  return broken;
}
