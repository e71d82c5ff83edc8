import * as applications from './applications.ts';
import * as audit from './audit.ts';
import * as catalog from './catalog.ts';
import * as customers from './customers.ts';
import * as findings from './findings.ts';
import * as identities from './identities.ts';
import * as manualReview from './manual-review.ts';
import type { OperationContract } from './operation.ts';
import * as orders from './orders.ts';
import * as payments from './payments.ts';
import * as refunds from './refunds.ts';
import * as sessions from './sessions.ts';
import * as stock from './stock.ts';
import * as system from './system.ts';
import * as usage from './usage.ts';

/** Every operation's contract by its id. For generators and tests: a handler imports its own contract alone. */
export const operations = {
  'sign-up': customers.signUp,
  'confirm-email': customers.confirmEmail,
  'request-password-reset': customers.requestPasswordReset,
  'reset-password': customers.resetPassword,
  'change-password': customers.changePassword,
  'request-email-change': customers.requestEmailChange,
  'change-email': customers.changeEmail,
  'get-me': customers.getMe,
  'update-me': customers.updateMe,
  'update-customer': customers.updateCustomer,
  'sign-in': sessions.signIn,
  'sign-out': sessions.signOut,
  'list-sessions': sessions.listSessions,
  'end-session': sessions.endSession,
  'sign-out-everywhere': sessions.signOutEverywhere,
  'link-identity': identities.linkIdentity,
  'list-identities': identities.listIdentities,
  'unlink-identity': identities.unlinkIdentity,
  'list-products': catalog.listProducts,
  'get-product': catalog.getProduct,
  'create-product': catalog.createProduct,
  'update-product': catalog.updateProduct,
  'list-stock-movements': stock.listStockMovements,
  'create-stock-movement': stock.createStockMovement,
  'create-quote': orders.createQuote,
  'place-order': orders.placeOrder,
  'list-orders': orders.listOrders,
  'get-order': orders.getOrder,
  'get-order-timeline': orders.getOrderTimeline,
  'cancel-order': orders.cancelOrder,
  'settle-simulated-payment': payments.settleSimulatedPayment,
  'receive-stripe-event': payments.receiveStripeEvent,
  'request-refund': refunds.requestRefund,
  'list-refunds': refunds.listRefunds,
  'get-refund': refunds.getRefund,
  'list-findings': findings.listFindings,
  'find-orders': manualReview.findOrders,
  'explain-order': manualReview.explainOrder,
  'retry-compensation': manualReview.retryCompensation,
  'resolve-order': manualReview.resolveOrder,
  'create-application': applications.createApplication,
  'list-applications': applications.listApplications,
  'get-application': applications.getApplication,
  'update-application': applications.updateApplication,
  'delete-application': applications.deleteApplication,
  'create-key': applications.createKey,
  'delete-key': applications.deleteKey,
  'get-usage': usage.getUsage,
  'list-accesses': audit.listAccesses,
  'list-readers': audit.listReaders,
  'get-health': system.getHealth,
  'get-openapi': system.getOpenApi,
  'get-docs': system.getDocs,
  'answer-unrouted': system.answerUnrouted,
} as const satisfies Record<string, OperationContract>;

export type OperationId = keyof typeof operations;
