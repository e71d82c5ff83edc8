import type { Consumer } from '../functions/consumers.ts';
import { eventSource } from '../lib/contract/events/define-event.ts';
import type { Settings } from './settings.ts';

/** The event pattern of a consumer's rule, on AWS and on a laptop. */
export const patternOf = ({ events }: Pick<Consumer, 'events'>) => ({
  source: [eventSource],
  'detail-type': events.map(({ type }) => type),
});

/** Whether the settings ask for a consumer. */
export const isActive = ({ when }: Pick<Consumer, 'when'>, settings: Pick<Settings, 'orderMails'>): boolean =>
  when === undefined || settings[when];
