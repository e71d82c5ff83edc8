import * as z from 'zod/mini';
import { id, timestamp, version } from '../api/common.ts';

/** A kind of domain event: what happened, and the schema of what the event says about it. */
export type EventDefinition<Type extends string = string, Fields extends z.core.$ZodShape = z.core.$ZodShape> = {
  /** `<what it is about>.<what happened>`, as stored in the outbox and as consumers filter by. */
  type: Type;
  /** The version of the schema of `data`, starting at 1. */
  version: number;
  description: string;
  /** It goes to webhook endpoints of the application that `data.applicationId` names, and to no others. */
  ownersAlone?: true;
  data: z.ZodMiniObject<Fields, z.core.$strict>;
  example: z.output<z.ZodMiniObject<Fields, z.core.$strict>>;
};

/** The `source` of every event on the bus. */
export const eventSource = 'counterfoil';

/** Among the `resources` of an event on the bus that a webhook endpoint wants. */
export const forWebhooks = 'webhooks';

/** The `source` of messages that tell a sender of webhooks of work. */
export const webhookSource = 'counterfoil.webhooks';

/** `detail-type` of the message that an endpoint has something to send. */
export const webhookDue = 'webhook.due';

/** The `source` of messages that tell the publisher of work. */
export const outboxSource = 'counterfoil.outbox';

/** `detail-type` of the message that the outbox has a new event. */
export const outboxDue = 'outbox.due';

/** The `source` of messages that tell the read models of work. */
export const readModelSource = 'counterfoil.read-models';

/** `detail-type` of the message that there may be events which a read model lacks; `detail.rebuild` names one to rebuild. */
export const readModelsDue = 'read-models.due';

/** An event as the outbox holds it and as it is published. `envelopeOf` is its schema. */
export type StoredEvent = {
  id: string;
  type: string;
  version: number;
  subject: string;
  aggregateId: string;
  sequence: number;
  occurredAt: string;
  correlationId: string | null;
  causationId: string | null;
  data: unknown;
};

/** The `data` of an event. */
export type EventData<Definition extends EventDefinition> = z.output<Definition['data']>;

/**
 * Defines a kind of domain event. Events hold ids, amounts, codes and fields that are marked as `personal`; no answer of the API.
 * A change of the schema that a consumer can notice needs a new `version`.
 */
export const defineEvent = <const Type extends `${string}.${string}`, Fields extends z.core.$ZodShape>(
  type: Type,
  version: number,
  {
    data,
    ...rest
  }: {
    description: string;
    ownersAlone?: true;
    data: Fields;
    example: z.output<z.ZodMiniObject<Fields, z.core.$strict>>;
  },
): EventDefinition<Type, Fields> => ({ type, version, data: z.strictObject(data), ...rest });

/** Adds what a consumer needs to know about a field. */
export const field = <T extends z.ZodMiniType>(schema: T, description: string): T =>
  schema.check(z.describe(description));

const personalFields = new WeakSet<z.ZodMiniType>();

/**
 * A field that holds personal data. It is `null` once the person is erased, and for everybody who may not read customers.
 */
export function personal<T extends z.ZodMiniType>(schema: T, description: string): z.ZodMiniNullable<T> {
  const text = `${description} Personal: \`null\` without the scope \`customers:read\`, and once they are erased.`;
  const marked = z.nullable(schema).check(z.meta({ description: text, 'x-personal': true }));
  personalFields.add(marked);
  return marked;
}

/** The fields of an event's data that hold personal data. */
export const personalFieldsOf = ({ data }: EventDefinition): string[] =>
  Object.entries(data.shape).flatMap(([name, schema]) => (personalFields.has(schema as z.ZodMiniType) ? [name] : []));

/** A stored event of one of some kinds, told apart by its type. */
export type EventOf<Definition extends EventDefinition> = Definition extends EventDefinition
  ? Omit<StoredEvent, 'type' | 'data'> & { type: Definition['type']; data: EventData<Definition> }
  : never;

/** The schema of a stored event with its data. */
export const envelopeOf = <Definition extends EventDefinition>(definition: Definition) =>
  z.strictObject({
    id: field(id('event'), 'Identifies the event. An event that arrives twice has the same id.'),
    type: z.literal(definition.type),
    version: field(z.literal(definition.version), 'Version of the schema of `data`.'),
    subject: field(z.string(), 'Id of what the event is about, such as an order or a refund.'),
    aggregateId: field(
      z.string().check(z.regex(/^(?:ord|cus|prd|stk|app|whe|rsb)_[0-9a-f]{32}$/)),
      'Id of the order, the customer, the product, the stock, the application, the webhook endpoint or the report subscription that changed. The stock of a product has the product’s id with the prefix `stk_`.',
    ),
    sequence: field(version, 'Version of what changed. It grows with each of its events, and may skip numbers.'),
    occurredAt: field(timestamp, 'When it happened.'),
    correlationId: field(
      z.nullable(z.string()),
      'Id of the API request that led to the event. `null` if there was none.',
    ),
    causationId: field(
      z.nullable(id('event')),
      'Id of the event that led to this one. `null` if the API request itself did.',
    ),
    data: definition.data,
  });
