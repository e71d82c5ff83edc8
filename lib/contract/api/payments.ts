import * as z from 'zod/mini';
import { id } from './common.ts';
import type { OperationContract } from './operation.ts';

export const receiveStripeEvent = {
  summary: 'Receive an event from Stripe',
  description:
    'Only Stripe calls this operation, and signs each event. An event only resumes the saga of its order, which then reads the payment from Stripe. Answers 404 when the shop does not use Stripe.',
  signed: { header: 'Stripe-Signature', maxBytes: 256 * 1024 },
  responses: { 200: z.object({ received: z.boolean() }) },
  problems: ['not-found'],
  orderToken: true,
} as const satisfies OperationContract;

export const settleSimulatedPayment = {
  summary: 'Complete or fail a simulated payment',
  description:
    'Plays the customer’s part at the bank for an order with the payment method `pm_requiresAction`. The order goes on a moment later. Only available where payments are simulated.',
  path: z.strictObject({ orderId: id('order') }),
  body: z.strictObject({ outcome: z.enum(['complete', 'fail']) }),
  responses: { 200: z.object({ orderId: id('order'), status: z.enum(['authorized', 'captured', 'declined']) }) },
  problems: ['payment-not-waiting'],
} as const satisfies OperationContract;
