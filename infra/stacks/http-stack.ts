import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { routes } from '../../functions/routes.ts';
import { type Tag, tagOf } from '../../lib/contract/api/operations.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';
import type { HandlerFunction } from '../constructs/handler-function.ts';
import { HttpHandlers, type HttpHandlersProps } from '../constructs/http-handlers.ts';
import { pascal } from '../constructs/names.ts';

/** The context of each tag. Every context that serves HTTP is a stack. */
export const contextOf = {
  Customers: 'accounts',
  Sessions: 'accounts',
  Catalogue: 'shop',
  Stock: 'shop',
  Events: 'shop',
  Orders: 'shop',
  Pricing: 'shop',
  Payments: 'shop',
  Reports: 'analytics',
  Operations: 'operations',
  Applications: 'operations',
  Audit: 'operations',
  System: 'operations',
} as const satisfies Record<Tag, string>;

export type HttpContext = (typeof contextOf)[Tag];

/** The HTTP handlers of one context, without those of another payment provider. */
export class HttpStack extends Stack {
  readonly handlers: readonly HandlerFunction[];
  readonly serves: HttpContext;

  constructor(
    scope: Construct,
    id: string,
    props: StackProps & Omit<HttpHandlersProps, 'routes'> & { serves: HttpContext },
  ) {
    const { context, apiId, logGroup, serves, ...rest } = props;
    super(scope, id, rest);
    this.serves = serves;
    const { provider } = context.settings.payments;
    const mine = Object.values<Route>(routes).filter(
      (route) => contextOf[tagOf(route.operation)] === serves && (route.provider ?? provider) === provider,
    );
    this.handlers = new HttpHandlers(this, pascal(serves), { context, apiId, logGroup, routes: mine }).handlers;
  }
}
