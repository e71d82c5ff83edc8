import type { StepName } from '../../functions/steps.ts';
import type { FaultName } from './faults.ts';

/** What goes wrong on the way to the step that a scenario is about; every delivery, unless it says for how long. */
export type Mishap =
  | 'fails'
  | 'fails until a person sees to it'
  | 'fails for a while'
  | 'does it and never answers'
  | 'is refused';

/** What is done with an order whose saga has ended. */
export type Doing =
  | 'its payment is captured'
  | 'a parcel ships'
  | 'a parcel ships and no saga starts'
  | 'a part goes back'
  | 'the customer cancels'
  | 'a unit is cancelled'
  | 'what has not shipped is cancelled'
  | 'a person retries the compensation';

/** One way on which an order comes to a step. */
export type Scenario = {
  name: string;
  /** How the order ends when nothing else goes wrong. */
  end: string;
  /** How it ends under a fault that is not got over, because that is how it must be. */
  endUnder?: Partial<Record<FaultName, string>>;
  /** Units on the shelf; every order wants 2. */
  units?: number;
  /** Price of one unit in cents. */
  price?: number;
  paymentMethod?: string;
  /** Its payment is authorized at checkout and captured later. */
  captureAt?: 'shipment';
  meanwhile?: Partial<Record<StepName, Mishap>>;
  /** The customer cancels as the first delivery of a step begins. */
  cancelsBefore?: StepName;
  /** What the customer does about a payment that waits for it. */
  customer?: 'pays' | 'pays before the order waits' | 'does not authenticate' | 'never acts' | 'cancels';
  /** Its end says what became of the one use of its coupon. */
  tellsCoupon?: true;
  /** What is done once its saga has ended, one after the other. The fault strikes in the last. */
  afterwards?: readonly Doing[];
  /** There is a charge and no order, and reconciliation gives the charge back. */
  hasNoOrder?: true;
  /** The fault strikes only after the customer did something about the payment. */
  strikesAfterCustomer?: boolean;
};

const confirmationFails = { ConfirmOrder: 'fails' } as const;

const retried: Pick<Scenario, 'afterwards'> = { afterwards: ['a person retries the compensation'] };
const releaseFailsAtFirst = { ConfirmOrder: 'fails', ReleaseStock: 'fails until a person sees to it' } as const;
const refundFailsAtFirst = { ConfirmOrder: 'fails', RefundPayment: 'fails until a person sees to it' } as const;

const later = { captureAt: 'shipment' } as const;
const captured = { ...later, afterwards: ['its payment is captured'] } as const;

const shipped = { ...later, afterwards: ['a parcel ships'] } as const;

const waiting = { paymentMethod: 'pm_requiresAction' };
/** The time of this step is the time that the customer has: once it is over, so is the order. */
const over = { 'times out before its effect': 'failed', 'times out after its effect': 'failed' } as const;

/**
 * For each step of the saga, the ways that lead to it. The matrix crosses each with every fault: a step without a
 * scenario, or a scenario that does not come by its step, fails the build.
 */
export const scenarios: Record<StepName, readonly Scenario[]> = {
  ReserveStock: [
    { name: 'an order', end: 'confirmed' },
    { name: 'an order of more than there is', end: 'failed', units: 1 },
    { name: 'an order cancelled just before', end: 'cancelled', cancelsBefore: 'ReserveStock' },
  ],
  ChargePayment: [
    { name: 'an order', end: 'confirmed' },
    { name: 'an order that costs nothing', end: 'confirmed', price: 0 },
    { name: 'an order that is captured at shipment', end: 'confirmed, payment authorized', ...later },
    { name: 'a card that is declined', end: 'failed', paymentMethod: 'pm_card_chargeDeclined' },
    { name: 'an order cancelled just before', end: 'cancelled', cancelsBefore: 'ChargePayment' },
    { name: 'a payment that its customer must act on', end: 'confirmed', ...waiting, customer: 'pays' },
    {
      name: 'a payment that its customer made',
      end: 'confirmed',
      ...waiting,
      customer: 'pays',
      strikesAfterCustomer: true,
    },
    {
      name: 'a payment that its customer did not authenticate',
      end: 'failed',
      ...waiting,
      customer: 'does not authenticate',
      strikesAfterCustomer: true,
    },
  ],
  AwaitPayment: [
    { name: 'the customer pays', end: 'confirmed', ...waiting, customer: 'pays', endUnder: over },
    {
      name: 'the customer pays before the order waits',
      end: 'confirmed',
      ...waiting,
      customer: 'pays before the order waits',
      endUnder: { 'times out before its effect': 'failed' },
    },
    { name: 'the customer does not authenticate', end: 'failed', ...waiting, customer: 'does not authenticate' },
    { name: 'the customer never acts', end: 'failed', ...waiting, customer: 'never acts' },
    { name: 'the customer cancels', end: 'cancelled', ...waiting, customer: 'cancels', endUnder: over },
    { name: 'an order cancelled just before', end: 'cancelled', ...waiting, cancelsBefore: 'AwaitPayment' },
  ],
  ConfirmOrder: [
    { name: 'an order', end: 'confirmed' },
    { name: 'an order that is captured at shipment', end: 'confirmed, payment authorized', ...later },
    { name: 'the last use of a coupon', end: 'confirmed, coupon used', tellsCoupon: true },
    // Before that, it refuses without asking the database, which no fault of the database can strike.
    {
      name: 'a payment that its customer made',
      end: 'confirmed',
      ...waiting,
      customer: 'pays',
      strikesAfterCustomer: true,
    },
    { name: 'an order cancelled just before', end: 'cancelled', cancelsBefore: 'ConfirmOrder' },
  ],
  AbandonOrder: [
    { name: 'a confirmation that fails', end: 'failed', meanwhile: confirmationFails },
    {
      name: 'a confirmation that never answers',
      end: 'confirmed',
      meanwhile: { ConfirmOrder: 'does it and never answers' },
    },
    { name: 'an order cancelled before it is confirmed', end: 'cancelled', cancelsBefore: 'ConfirmOrder' },
    {
      name: 'a confirmation that never answers, cancelled meanwhile',
      end: 'cancelled',
      meanwhile: { ConfirmOrder: 'does it and never answers' },
      cancelsBefore: 'AbandonOrder',
    },
  ],
  RefundPayment: [
    { name: 'compensation: the charge never got there', end: 'failed', meanwhile: { ChargePayment: 'fails' } },
    {
      name: 'compensation: the charge never answered',
      end: 'failed',
      meanwhile: { ChargePayment: 'does it and never answers' },
    },
    { name: 'compensation: the confirmation failed', end: 'failed', meanwhile: confirmationFails },
    {
      name: 'void: the confirmation of an authorized order failed',
      end: 'failed',
      ...later,
      meanwhile: confirmationFails,
    },
    {
      name: 'void: cancel of an authorized order',
      end: 'cancelled, payment voided',
      ...later,
      afterwards: ['the customer cancels'],
    },
    {
      name: 'cancel of an order that was captured at shipment',
      end: 'cancelled, payment refunded',
      ...later,
      afterwards: ['its payment is captured', 'the customer cancels'],
    },
    { name: 'cancel', end: 'cancelled', afterwards: ['the customer cancels'] },
    { name: 'cancel of an order that cost nothing', end: 'cancelled', price: 0, afterwards: ['the customer cancels'] },
    {
      name: 'cancel of an order of which a part went back',
      end: 'cancelled, refund succeeded',
      afterwards: ['a part goes back', 'the customer cancels'],
    },
    { name: 'compensation: the customer never acted', end: 'failed', ...waiting, customer: 'never acts' },
    { name: 'compensation: a person retries it', end: 'failed', ...retried, meanwhile: releaseFailsAtFirst },
    { name: 'a charge without an order', end: 'charge refunded', hasNoOrder: true },
  ],
  CapturePayment: [
    { name: 'a parcel that ships', end: 'confirmed, payment captured, shipped in part', ...shipped },
    {
      name: 'a parcel that ships, and nobody starts the saga',
      end: 'confirmed, payment captured, shipped in part',
      ...later,
      afterwards: ['a parcel ships and no saga starts'],
    },
    {
      name: 'a parcel that ships, and the card is declined',
      end: 'needs_attention (money held, stock kept)',
      ...shipped,
      paymentMethod: 'pm_captureDeclined',
    },
    { name: 'an order that ships', end: 'confirmed, payment captured', ...captured },
    {
      name: 'a parcel that ships after the rest was cancelled',
      end: 'confirmed, payment captured, refund succeeded, shipped, rest cancelled',
      ...later,
      afterwards: ['a unit is cancelled', 'a parcel ships'],
    },
    {
      name: 'an order that ships, and settling it fails for a while',
      end: 'confirmed, payment captured',
      ...captured,
      meanwhile: { SettleCapture: 'fails for a while' },
    },
    {
      name: 'an order that ships and is cancelled just before',
      end: 'cancelled, payment refunded',
      ...captured,
      cancelsBefore: 'CapturePayment',
    },
    {
      name: 'a card that is declined',
      end: 'needs_attention (money held, stock kept)',
      ...captured,
      paymentMethod: 'pm_captureDeclined',
    },
  ],
  SettleCapture: [
    { name: 'a parcel that ships', end: 'confirmed, payment captured, shipped in part', ...shipped },
    { name: 'an order that ships', end: 'confirmed, payment captured', ...captured },
    {
      name: 'an order that ships and is cancelled just before',
      end: 'cancelled, payment refunded',
      ...captured,
      cancelsBefore: 'SettleCapture',
    },
    {
      name: 'a capture that the provider refuses',
      end: 'needs_attention (money held, stock kept)',
      ...captured,
      meanwhile: { CapturePayment: 'is refused' },
    },
    {
      name: 'a capture that the provider makes only when asked again',
      end: 'confirmed, payment captured',
      ...captured,
      meanwhile: { CapturePayment: 'fails for a while' },
    },
  ],
  RefundPart: [
    {
      name: 'a part of an order of which a parcel shipped',
      end: 'confirmed, refund succeeded, shipped in part',
      afterwards: ['a parcel ships', 'a part goes back'],
    },
    { name: 'a part of an order', end: 'confirmed, refund succeeded', afterwards: ['a part goes back'] },
    {
      name: 'the rest of an order of which a parcel shipped is cancelled',
      end: 'confirmed, refund succeeded, shipped, rest cancelled',
      afterwards: ['a parcel ships', 'what has not shipped is cancelled'],
    },
    {
      name: 'a second part of an order',
      end: 'confirmed, refund succeeded and succeeded',
      afterwards: ['a part goes back', 'a part goes back'],
    },
    {
      name: 'a part of an order, and settling it fails for a while',
      end: 'confirmed, refund succeeded',
      afterwards: ['a part goes back'],
      meanwhile: { SettleRefund: 'fails for a while' },
    },
  ],
  SettleRefund: [
    { name: 'a part of an order', end: 'confirmed, refund succeeded', afterwards: ['a part goes back'] },
    {
      name: 'the rest is cancelled, and the provider refuses to give its money back',
      end: 'confirmed, refund failed, shipped, rest cancelled',
      afterwards: ['a parcel ships', 'what has not shipped is cancelled'],
      meanwhile: { RefundPart: 'is refused' },
    },
    {
      name: 'a part that the provider refuses to give back',
      end: 'confirmed, refund failed',
      afterwards: ['a part goes back'],
      meanwhile: { RefundPart: 'is refused' },
    },
    {
      name: 'a part that the provider gives back only when asked again',
      end: 'confirmed, refund succeeded',
      afterwards: ['a part goes back'],
      meanwhile: { RefundPart: 'fails for a while' },
    },
  ],
  ReleaseStock: [
    { name: 'compensation: a person retries it', end: 'failed', ...retried, meanwhile: refundFailsAtFirst },
    {
      name: 'compensation: the reservation never answered',
      end: 'failed',
      meanwhile: { ReserveStock: 'does it and never answers' },
    },
    { name: 'compensation: the card was declined', end: 'failed', paymentMethod: 'pm_card_chargeDeclined' },
    { name: 'compensation: the confirmation failed', end: 'failed', meanwhile: confirmationFails },
    { name: 'cancel', end: 'cancelled', afterwards: ['the customer cancels'] },
    {
      name: 'cancel of an order of which a unit was cancelled before',
      end: 'cancelled, refund succeeded, rest cancelled',
      afterwards: ['a unit is cancelled', 'the customer cancels'],
    },
  ],
  CloseOrder: [
    {
      name: 'compensation: the use of a coupon is given back',
      end: 'failed, coupon free',
      tellsCoupon: true,
      paymentMethod: 'pm_card_chargeDeclined',
    },
    {
      name: 'cancel: the use of a coupon is given back',
      end: 'cancelled, coupon free',
      tellsCoupon: true,
      afterwards: ['the customer cancels'],
    },
    { name: 'compensation: a person retries it', end: 'failed', ...retried, meanwhile: refundFailsAtFirst },
    { name: 'compensation: the customer never acted', end: 'failed', ...waiting, customer: 'never acts' },
    { name: 'compensation: the card was declined', end: 'failed', paymentMethod: 'pm_card_chargeDeclined' },
    { name: 'compensation: the confirmation failed', end: 'failed', meanwhile: confirmationFails },
    { name: 'cancel', end: 'cancelled', afterwards: ['the customer cancels'] },
    {
      name: 'void: cancel of an authorized order',
      end: 'cancelled, payment voided',
      ...later,
      afterwards: ['the customer cancels'],
    },
  ],
  RequestManualReview: [
    {
      name: 'compensation: a person retries it, and the refund fails again',
      end: 'needs_attention (money kept)',
      ...retried,
      meanwhile: { ConfirmOrder: 'fails', RefundPayment: 'fails' },
    },
    {
      name: 'compensation: the customer never acted, and the refund fails',
      end: 'needs_attention (payment open)',
      ...waiting,
      customer: 'never acts',
      meanwhile: { RefundPayment: 'fails' },
    },
    {
      name: 'the provider never answers',
      end: 'needs_attention (money unknown)',
      paymentMethod: 'pm_timeoutAlways',
    },
    {
      name: 'compensation: the refund fails',
      end: 'needs_attention (money kept)',
      meanwhile: { ...confirmationFails, RefundPayment: 'fails' },
    },
    {
      name: 'compensation: the release fails',
      end: 'needs_attention (stock kept)',
      paymentMethod: 'pm_card_chargeDeclined',
      meanwhile: { ReleaseStock: 'fails' },
    },
    {
      name: 'compensation: the closing fails',
      end: 'needs_attention',
      meanwhile: { ...confirmationFails, CloseOrder: 'fails' },
    },
    {
      name: 'compensation: the closing never answers',
      end: 'failed',
      meanwhile: { ...confirmationFails, CloseOrder: 'does it and never answers' },
    },
    {
      name: 'a confirmation that never answers, and nobody finds out',
      end: 'confirmed',
      meanwhile: { ConfirmOrder: 'does it and never answers', AbandonOrder: 'fails' },
    },
    {
      name: 'a confirmation that failed, and nobody finds out',
      end: 'needs_attention (money kept, stock kept)',
      meanwhile: { ...confirmationFails, AbandonOrder: 'fails' },
    },
    {
      name: 'cancel: the refund fails',
      end: 'needs_attention (money kept)',
      afterwards: ['the customer cancels'],
      meanwhile: { RefundPayment: 'fails' },
    },
    {
      name: 'cancel: the release fails',
      end: 'needs_attention (stock kept)',
      afterwards: ['the customer cancels'],
      meanwhile: { ReleaseStock: 'fails' },
    },
    {
      name: 'cancel: the closing fails',
      end: 'needs_attention',
      afterwards: ['the customer cancels'],
      meanwhile: { CloseOrder: 'fails' },
    },
    {
      name: 'cancel: the closing never answers',
      end: 'cancelled',
      afterwards: ['the customer cancels'],
      meanwhile: { CloseOrder: 'does it and never answers' },
    },
  ],
};
