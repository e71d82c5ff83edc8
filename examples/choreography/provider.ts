import type { Placed } from './events.ts';

type Charge = { amount: number; state: 'captured' | 'refused' | 'refunded' };

/** A payment provider: it charges an order once, however often it is asked, and refuses `pm_card_chargeDeclined`. */
export class Provider {
  /** By order. */
  readonly charges = new Map<string, Charge>();
  /** How often it was asked to charge. */
  calls = 0;

  /** @returns whether the order is paid */
  async charge({
    orderId,
    total,
    paymentMethod,
  }: Pick<Placed, 'orderId' | 'total' | 'paymentMethod'>): Promise<boolean> {
    this.calls += 1;
    const state = paymentMethod === 'pm_card_chargeDeclined' ? 'refused' : 'captured';
    const charge = this.charges.get(orderId) ?? { amount: total.amount, state };
    this.charges.set(orderId, charge);
    return charge.state !== 'refused';
  }

  /** Does nothing where nothing is charged. */
  async refund(orderId: string): Promise<void> {
    const charge = this.charges.get(orderId);
    if (charge?.state === 'captured') charge.state = 'refunded';
  }
}
