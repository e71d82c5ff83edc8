import type { TransactionSql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import type { OrderReturn, ReturnLine } from '../../contract/api/returns.ts';
import { type Claim, idempotent } from '../../database/idempotency.sql.ts';
import { newId } from '../../kernel/ids.ts';
import type { OfOwner } from '../orders/owner.sql.ts';
import type { GoodsDeps } from './fulfilments.ts';
import { type LineProgress, refuseBeyond } from './lines.ts';
import { type LockedOrder, lockOrder } from './order.sql.ts';
import { insertReturn, markReceived, markRejected, readReturns } from './returns.sql.ts';

/** Units of a product that came back: for the shelf, and for the bin. */
export type Arrived = { productId: string; restock: number; writeOff: number };

type Asked = Pick<ReturnLine, 'productId' | 'quantity' | 'reason'>;

/**
 * Stores the request to send units of an order back, once for each idempotency key.
 * @param wanted.of the order, if it is the one of this owner
 * @throws Problem not-found, order-archived, line-unknown, return-too-large
 */
export const requestReturn = (
  deps: GoodsDeps,
  claim: Claim,
  wanted: { of: OfOwner; lines: Asked[]; requestedBy: string },
) =>
  idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const { of, requestedBy } = wanted;
    const order = await lockOrder(tx, of);
    refuseBeyond(order.lines, wanted.lines, {
      left: ({ shipped, returned }: LineProgress) => shipped - returned,
      code: 'return-too-large',
      pointer: (_, index) => index,
    });
    const lines = wanted.lines.map((line) => ({ ...line, restocked: 0, writtenOff: 0 }));
    const id = newId('return', deps.clock);
    const made = await insertReturn(tx, order, { ...changeOf(deps, claim), id, lines, requestedBy });
    return { status: 201, headers: { location: `/orders/${of.orderId}/returns/${id}` }, body: JSON.stringify(made) };
  });

/**
 * Stores what of a requested return arrived, and moves it to the shelf or off the ledger. Units that did not arrive are free
 * for another return.
 * @throws Problem not-found, order-archived, return-status, line-unknown, return-too-large
 */
export const receiveReturn = (
  deps: GoodsDeps,
  claim: Claim,
  wanted: { orderId: string; returnId: string; lines: Arrived[] },
) =>
  idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const { order, request } = await openReturn(tx, wanted);
    const received = receivedLines(request.lines, wanted.lines);
    return answerOf(await markReceived(tx, order, request, { ...changeOf(deps, claim), lines: received }));
  });

/** @throws Problem not-found, order-archived, return-status */
export const rejectReturn = (
  deps: GoodsDeps,
  claim: Claim,
  wanted: { orderId: string; returnId: string; reason: string },
) =>
  idempotent(deps.sql, claim, deps.keys, async (tx) => {
    const { order, request } = await openReturn(tx, wanted);
    return answerOf(await markRejected(tx, order, request, { ...changeOf(deps, claim), rejection: wanted.reason }));
  });

/**
 * The lines of a return with what arrived of each.
 * @throws Problem line-unknown, return-too-large
 */
export function receivedLines(requested: readonly ReturnLine[], arrived: readonly Arrived[]): ReturnLine[] {
  const units = arrived.map(({ productId, restock, writeOff }) => ({ productId, quantity: restock + writeOff }));
  const asked = requested.map((line) => ({
    ...line,
    fulfilled: 0,
    shipped: 0,
    delivered: 0,
    returned: 0,
    cancelled: 0,
  }));
  refuseBeyond(asked, units, {
    left: ({ quantity }) => quantity,
    code: 'return-too-large',
    pointer: (_, index) => index,
  });
  return requested.map((line) => {
    const { restock, writeOff } = arrived.find(({ productId }) => productId === line.productId) ?? nothing;
    return { ...line, restocked: restock, writtenOff: writeOff };
  });
}

const nothing = { restock: 0, writeOff: 0 };

async function openReturn(
  tx: TransactionSql,
  of: { orderId: string; returnId: string },
): Promise<{ order: LockedOrder; request: OrderReturn }> {
  const order = await lockOrder(tx, { orderId: of.orderId, anybody: true });
  const [request] = await readReturns(tx, of);
  if (request === undefined) throw new Problem('not-found', 'The order has no such return.');
  if (request.status !== 'requested') throw new Problem('return-status', `The return is ${request.status} already.`);
  return { order, request };
}

const changeOf = (deps: GoodsDeps, claim: Claim) => ({
  eventId: newId('event', deps.clock),
  requestId: claim.requestId,
  at: new Date(deps.clock.now()),
});

const answerOf = (body: OrderReturn) => ({ status: 200, headers: {}, body: JSON.stringify(body) });
