import * as z from 'zod/mini';
import { routes } from '../../functions/routes.ts';
import * as address from '../../lib/contract/api/address.ts';
import * as captures from '../../lib/contract/api/captures.ts';
import * as catalog from '../../lib/contract/api/catalog.ts';
import * as categories from '../../lib/contract/api/categories.ts';
import * as common from '../../lib/contract/api/common.ts';
import * as coupons from '../../lib/contract/api/coupons.ts';
import { customerAddress } from '../../lib/contract/api/customer-addresses.ts';
import { feedEntry } from '../../lib/contract/api/customer-feeds.ts';
import * as customerReports from '../../lib/contract/api/customer-reports.ts';
import { customerOrders, customerWithOrders, orderTotals } from '../../lib/contract/api/customer-search.ts';
import * as customers from '../../lib/contract/api/customers.ts';
import * as events from '../../lib/contract/api/events.ts';
import * as fulfilments from '../../lib/contract/api/fulfilments.ts';
import * as identities from '../../lib/contract/api/identities.ts';
import * as imports from '../../lib/contract/api/imports.ts';
import * as manualReview from '../../lib/contract/api/manual-review.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { operations } from '../../lib/contract/api/operations.ts';
import * as orderDetails from '../../lib/contract/api/order-details.ts';
import { orderWithParts } from '../../lib/contract/api/order-parts.ts';
import { count } from '../../lib/contract/api/order-search.ts';
import * as orders from '../../lib/contract/api/orders.ts';
import { paymentAction } from '../../lib/contract/api/payment-action.ts';
import { problems } from '../../lib/contract/api/problems.ts';
import * as refunds from '../../lib/contract/api/refunds.ts';
import * as reportExports from '../../lib/contract/api/report-exports.ts';
import { feedAge, reportPart } from '../../lib/contract/api/report-parts.ts';
import * as reportSubscriptions from '../../lib/contract/api/report-subscriptions.ts';
import * as reports from '../../lib/contract/api/reports.ts';
import * as returns from '../../lib/contract/api/returns.ts';
import * as sessions from '../../lib/contract/api/sessions.ts';
import * as shippingMethods from '../../lib/contract/api/shipping-methods.ts';
import * as stock from '../../lib/contract/api/stock.ts';
import * as system from '../../lib/contract/api/system.ts';
import * as taxRates from '../../lib/contract/api/tax-rates.ts';
import type { Schema } from '../../lib/contract/docs/document.ts';
import { withNotes } from './property-notes.ts';

/** Schemas that several operations share, or that deserve a name. */
const named: Readonly<Record<string, z.ZodMiniType>> = {
  Money: common.money,
  Price: catalog.price,
  Product: catalog.product,
  ProductOption: catalog.productOption,
  ProductWithVariants: catalog.productWithVariants,
  Variant: catalog.variant,
  Category: categories.category,
  Import: imports.imported,
  ImportError: imports.importError,
  ListedProduct: catalog.listedProduct,
  ProductImage: catalog.image,
  Address: customers.address,
  OrderAddress: address.address,
  OrderContact: address.contact,
  Customer: customers.customer,
  StockLevel: stock.level,
  StockMovement: stock.movement,
  Discount: orders.quote.shape.discount.def.innerType,
  OrderShipping: orders.quote.shape.shipping.def.innerType,
  OrderTax: orders.quote.shape.tax.def.innerType,
  OrderLine: orders.quote.shape.lines.def.element,
  ShippingMethod: shippingMethods.shippingMethod,
  ...shippingMethods.shippingCosts,
  TaxRate: taxRates.taxRate,
  Coupon: coupons.coupon,
  ...coupons.couponValues,
  Quote: orders.quote,
  OrderedLine: orders.order.shape.lines.def.element,
  Order: orders.order,
  Fulfilment: fulfilments.fulfilment,
  Return: returns.orderReturn,
  OrderWithParts: orderWithParts,
  ListCount: count,
  CustomerWithOrders: customerWithOrders,
  CustomerOrders: customerOrders,
  CustomerOrderTotals: orderTotals,
  TimelineEntry: orders.timelineEntry,
  ...orders.timelineEntries,
  ...events.feedEvents,
  PaymentCapture: captures.paymentCapture,
  Refund: refunds.refund,
  ManualReview: manualReview.manualReview,
  ReviewOrder: manualReview.reviewOrder,
  OrderDetails: orderDetails.orderDetails,
  ReadModelFreshness: orderDetails.freshness,
  SagaExecution: manualReview.executionStory,
  OperatorAction: manualReview.operatorAction,
  OrderExplanation: manualReview.explanation,
  ReportPart: reportPart,
  ReportExport: reportExports.reportExport,
  ReportSubscription: reportSubscriptions.reportSubscription,
  ReportRun: reportSubscriptions.reportRun,
  SalesRow: reports.salesRow,
  MarginRow: reports.marginRow,
  ProductReportRow: reports.productRow,
  CustomerReportRow: reports.customerRow,
  CustomersReportRow: customerReports.customersRow,
  CustomerSessions: customerReports.customerSessions,
  FeedAge: feedAge,
  FeedEntry: feedEntry,
  CohortRow: customerReports.cohortRow,
  StockReportRow: reports.stockRow,
  CustomerAddress: customerAddress,
  Identity: identities.identity,
  Session: sessions.ownSession,
  PasswordSignIn: sessions.signIn.body.def.options[0],
  IdTokenSignIn: sessions.signIn.body.def.options[1],
  StripePaymentAction: paymentAction.def.options[0],
  SimulatedPaymentAction: paymentAction.def.options[1],
  Health: system.health,
};

/** In the order of the routes, which gives a schema that several operations share the name of the first. */
const all = Object.values(routes).map(({ operation }): [string, OperationContract] => [
  operation,
  operations[operation],
]);
const inputs = z.registry<{ id: string }>();
const outputs = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(named)) {
  inputs.add(schema, { id });
  outputs.add(schema, { id });
}
for (const [operation, { body, responses }] of all) {
  if (body !== undefined && !inputs.has(body)) inputs.add(body, { id: `${pascal(operation)}Request` });
  for (const schema of Object.values(responses)) {
    if (schema !== null && isObject(schema) && !outputs.has(schema)) {
      outputs.add(schema, { id: `${pascal(operation)}Response` });
    }
  }
}

/**
 * The document's `components.schemas`: requests as they are sent (what has a default may be left out), responses as
 * they are received (fields may be added to them one day, so they are open).
 */
export function componentSchemas(): Record<string, Schema> {
  const sent = convertAll(inputs, 'input');
  const received = convertAll(outputs, 'output');
  const used = new Set<string>();
  for (const [, { body, responses }] of all) {
    if (body !== undefined) follow(inputs.get(body)!.id, sent, used);
    for (const schema of Object.values(responses)) {
      const id = schema === null ? undefined : outputs.get(schema)?.id;
      if (id !== undefined) follow(id, received, used);
    }
  }
  const schemas: Record<string, Schema> = { Problem: withNotes('Problem', problemSchema) };
  for (const id of [...used].sort()) {
    const [one, other] = [sent[id], received[id]];
    if (one !== undefined && other !== undefined && JSON.stringify(one) !== JSON.stringify(other)) {
      throw new Error(`${id} is sent and received in two forms: give each its own name in infra/openapi/schemas.ts`);
    }
    schemas[id] = withNotes(id, (other ?? one)!);
  }
  return schemas;
}

/** A request body's schema, by reference. */
export const bodySchema = (schema: z.ZodMiniType): Schema => reference(inputs.get(schema)!.id);

/** A response's schema, by reference where it has a name. */
export function responseSchema(schema: z.ZodMiniType): Schema {
  const id = outputs.get(schema)?.id;
  return id === undefined ? convert(schema, 'output') : reference(id);
}

/** Parameters out of an object schema: each property with its schema, and whether it must be there. */
export function propertiesOf(schema: z.ZodMiniType): { name: string; required: boolean; schema: Schema }[] {
  const { properties = {}, required = [] } = convert(schema, 'input') as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    required: required.includes(name),
    schema: property,
  }));
}

export const reference = (id: string): Schema => ({ $ref: `#/components/schemas/${id}` });

/** `place-order` → `PlaceOrder`. */
export function pascal(operation: string): string {
  return operation.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

type Io = 'input' | 'output';
type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>;

function convertAll(registry: typeof inputs, io: Io): Record<string, Schema> {
  const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => `#/components/schemas/${id}`, override });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutMeta(schema as Schema)]));
}

const convert = (schema: z.ZodMiniType, io: Io): Schema =>
  withoutMeta(z.toJSONSchema(schema, { io, override }) as Schema);

function withoutMeta({ $schema, $id, id, ...schema }: Schema): Schema {
  return schema;
}

/** Leaves out what says nothing to a reader, such as the range of JavaScript's integers and what a format implies. */
const override: Override = ({ zodSchema, jsonSchema }) => {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.type === 'integer') jsonSchema.format = 'int64';
  if (jsonSchema.format === 'email' || jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  // Not every tool's regular expressions know Unicode's categories.
  if (jsonSchema.pattern?.includes('\\p{C')) {
    delete jsonSchema.pattern;
    jsonSchema.description = 'No control characters.';
  }
  const { def } = zodSchema._zod;
  if (def.type === 'union') nameBranches(def as z.core.$ZodDiscriminatedUnionDef, jsonSchema as Schema);
  if (def.type === 'object' && (def as z.core.$ZodObjectDef).catchall === undefined) {
    delete jsonSchema.additionalProperties;
  }
};

/** Tells generators of clients which branch of a union is meant, where a property says so. */
function nameBranches({ discriminator, options }: z.core.$ZodDiscriminatedUnionDef, schema: Schema): void {
  if (discriminator === undefined) return;
  const mapping = (options as unknown as Branch[]).map((option) => {
    const id = outputs.get(option as unknown as z.ZodMiniType)?.id;
    if (id === undefined) throw new Error('a branch of a union needs a name in infra/openapi/schemas.ts');
    return [option._zod.def.shape[discriminator]!._zod.def.values[0]!, `#/components/schemas/${id}`];
  });
  schema.discriminator = { propertyName: discriminator, mapping: Object.fromEntries(mapping) };
}

type Branch = { _zod: { def: { shape: Record<string, { _zod: { def: { values: string[] } } }> } } };

function isObject(schema: z.ZodMiniType): boolean {
  return schema.def.type === 'object';
}

function follow(id: string, schemas: Record<string, Schema>, seen: Set<string>): void {
  if (seen.has(id)) return;
  seen.add(id);
  for (const [, target] of JSON.stringify(schemas[id]).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    follow(target!, schemas, seen);
  }
}

/** RFC 9457, with the members of every problem of this API. */
const problemSchema: Schema = {
  type: 'object',
  properties: {
    type: { type: 'string', format: 'uri', description: 'Names the problem and leads to its explanation.' },
    title: { type: 'string', description: 'The same for every problem of this type.' },
    status: { type: 'integer', format: 'int64' },
    detail: { type: 'string', description: 'What happened this time, and what to do.' },
    instance: { type: 'string', format: 'uri-reference', description: 'The path that was called.' },
    code: { type: 'string', enum: Object.keys(problems), description: 'The last segment of `type`, to branch on.' },
    requestId: { type: 'string', description: 'What to quote when asking for help.' },
    quote: {
      $ref: '#/components/schemas/Quote',
      description: 'What the order would cost now, with `total-changed` alone.',
    },
    errors: {
      type: 'array',
      description: 'Each piece of the input that is not valid.',
      items: {
        type: 'object',
        properties: {
          pointer: {
            type: 'string',
            description: 'A JSON pointer (RFC 6901) into the body, `?name` for a query parameter, or a header’s name.',
          },
          detail: { type: 'string' },
        },
        required: ['pointer', 'detail'],
      },
    },
  },
  required: ['type', 'title', 'status', 'instance', 'code', 'requestId'],
};
