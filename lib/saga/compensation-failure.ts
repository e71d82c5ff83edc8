import { redacted } from '../kernel/redact.ts';
import { type CompensationState, isTaken, leavesOpen, messageOf } from './state.ts';

export type CompensationStep = 'AbandonOrder' | 'RefundPayment' | 'ReleaseStock' | 'CloseOrder';

/**
 * What an operator reads of a compensation that could not finish: the steps that failed, the last error, and the most
 * that the provider may keep, in minor units (certain when it is known to keep exactly that).
 */
export type CompensationFailure = {
  steps: CompensationStep[];
  error: string;
  message: string;
  money: { amount: number; certain: boolean };
};

export function compensationFailureOf(state: CompensationState): CompensationFailure {
  const { compensationFailure } = state;
  const steps = stepsNotDone(state);
  return {
    steps,
    error: redacted(compensationFailure?.Error ?? 'Unknown'),
    message: redacted(
      compensationFailure === undefined ? '' : messageOf(compensationFailure) || (compensationFailure.Cause ?? ''),
    ),
    money: moneyAtStake(state, steps),
  };
}

/** The order of a compensation is abandon, refund, release, close. A failed refund does not stop the release. */
function stepsNotDone(state: CompensationState): CompensationStep[] {
  if (isPlacing(state) && isTaken(state.charge) && state.abandonment === undefined) return ['AbandonOrder'];
  const steps: CompensationStep[] = [];
  if (mayHoldMoney(state) && state.refund === undefined) steps.push('RefundPayment');
  if (state.release === undefined) steps.push('ReleaseStock');
  return steps.length === 0 ? ['CloseOrder'] : steps;
}

function moneyAtStake(state: CompensationState, steps: readonly CompensationStep[]): CompensationFailure['money'] {
  if (state.amount === 0 || state.refund !== undefined || !mayHoldMoney(state)) return { amount: 0, certain: true };
  const taken = state.payment !== undefined || isTaken(state.charge);
  const answered =
    !steps.includes('RefundPayment') || (steps.length === 1 && !leavesOpen(state.compensationFailure?.Error ?? ''));
  return { amount: state.amount, certain: taken && answered };
}

/** Whether the provider may have been asked for money without having declined. */
const mayHoldMoney = (state: CompensationState): boolean =>
  !isPlacing(state) || (state.reservation !== undefined && state.failure?.Error !== 'PaymentDeclined');

const isPlacing = ({ reason }: CompensationState): boolean => reason === undefined;
