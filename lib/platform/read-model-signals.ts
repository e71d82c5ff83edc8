import { readModelSource, readModelsDue } from '../contract/events/define-event.ts';
import { tellBus } from './event-bus.ts';

/**
 * Says that there are events which the read models may lack. What gets lost is made up for by the next one.
 * @param detail `published` asks for a second look half a second later, as more may be published meanwhile
 */
export const wakeReadModels = (detail: { published?: true } = {}): Promise<void> =>
  tellBus({ source: readModelSource, type: readModelsDue, details: [detail] });
