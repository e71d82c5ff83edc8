import * as z from 'zod/mini';
import { type EventDefinition, envelopeOf } from '../events/define-event.ts';
import { domainEvents } from '../events/domain-events.ts';
import type { OperationContract } from './operation.ts';

/** A place in the feed: events are numbered from 1, without gaps. */
const position = z.int().check(z.gte(1));

/** An event as the feed shows it. */
const inFeed = (definition: EventDefinition) => z.object({ position, ...envelopeOf(definition).shape });

/** `order.in_review` → `OrderInReviewEvent`. */
const nameOf = ({ type }: EventDefinition): string =>
  `${type.replace(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase())}Event`;

/** The events of the feed, by the name of their schema. */
export const feedEvents = Object.fromEntries(
  domainEvents.map((definition) => [nameOf(definition), inFeed(definition)]),
) as Record<string, ReturnType<typeof inFeed>>;

const [first, ...others] = Object.values(feedEvents);
export const feedEvent = z.discriminatedUnion('type', [first!, ...others]);
export type FeedEvent = z.output<typeof feedEvent>;

const types = domainEvents.map(({ type }) => type) as [string, ...string[]];

export const listEvents = {
  summary: 'Follow the events',
  description:
    'Everything that happened, in one order that never changes: events of one order or customer come in the order of their `sequence`. Store `next` after you have handled an answer, and send it as `after` the next time; start with 0, or from any earlier place to see it all again. An event may come twice if you did not store `next`: recognize it by its `id`. With `Prefer: wait=N` an answer without events waits up to N seconds (at most 20) for the first. Events hold ids, amounts and codes. Those of customers hold e-mail and name, which are null without `customers:read`, and once the customer is erased.',
  query: z.strictObject({
    after: z._default(z.coerce.number().check(z.int(), z.gte(0)), 0),
    type: z.optional(z.enum(types)),
    limit: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(1000)), 100),
  }),
  responses: {
    200: z.object({ data: z.array(feedEvent), next: z.int().check(z.gte(0)), hasMore: z.boolean() }),
  },
  aboutAccesses: true,
  wait: true,
} as const satisfies OperationContract;
