import { readModelSource, readModelsDue } from '../contract/events/define-event.ts';
import { tellBus } from './event-bus.ts';

/** Says that there are events which the read models may lack. What gets lost is made up for by the next one. */
export const wakeReadModels = (): Promise<void> => tellBus({ source: readModelSource, type: readModelsDue });
