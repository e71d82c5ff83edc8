import { consumers } from '../../../functions/consumers.ts';
import { outboxDue, outboxSource } from '../../../lib/contract/events/define-event.ts';
import { isActive, patternOf } from '../../events.ts';
import type { startBus } from './start.ts';

type Options = {
  /** Whether customers get mails about their orders. */
  orderMails: boolean;
  invoke: (handler: string, payload: unknown, timeoutSeconds: number) => Promise<unknown>;
  /** Something has written events. */
  publish: () => void;
  /** A consumer may have written a mail. */
  sendMails: () => void;
};

/** The rules of the consumer table, as CDK sets them up on AWS. */
export const busRules = ({
  orderMails,
  invoke,
  publish,
  sendMails,
}: Options): Parameters<typeof startBus>[0]['rules'] => [
  {
    name: 'publish-events',
    pattern: { source: [outboxSource], 'detail-type': [outboxDue] },
    atOnce: 1,
    deliver: async () => publish(),
  },
  ...Object.values(consumers)
    .filter((row) => isActive(row, { orderMails }))
    .map((consumer) => ({
      name: consumer.name,
      pattern: patternOf(consumer),
      atOnce: consumer.atOnce,
      deliver: async (event: unknown) => {
        await invoke(consumer.handler, event, consumer.timeoutSeconds);
        if (consumer.writesMails) sendMails();
      },
    })),
];
