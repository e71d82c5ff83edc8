import * as z from 'zod/mini';
import { id } from './common.ts';
import type { OperationContract } from './operation.ts';

export const receiveStripeEvent = {
  summary: 'Stripe tells that something happened to a payment',
  description:
    'For Stripe alone, which signs what it sends. An event only resumes the order that it is about: the payment itself is asked for at Stripe. 404 where the shop does not charge by Stripe.',
  signed: { header: 'Stripe-Signature', maxBytes: 256 * 1024 },
  responses: { 200: z.object({ received: z.boolean() }) },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const settleSimulatedPayment = {
  summary: 'Play the customer for a simulated payment',
  description:
    'Completes or fails the action that an order with the payment method `pm_requiresAction` waits for, as the customer would at their bank. The order goes on a moment later. Only where payments are simulated.',
  path: z.strictObject({ orderId: id('order') }),
  body: z.strictObject({ outcome: z.enum(['complete', 'fail']) }),
  responses: { 200: z.object({ orderId: id('order'), status: z.enum(['captured', 'declined']) }) },
  problems: ['payment-not-waiting'],
} as const satisfies OperationContract;
