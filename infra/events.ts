import type { Consumer } from '../functions/consumers.ts';
import type { Settings } from './settings.ts';

/** The event pattern of a consumer's rule, on AWS and on a laptop. */
export const patternOf = ({ source, types, resources }: Pick<Consumer, 'source' | 'types' | 'resources'>) => ({
  source: [source],
  'detail-type': [...types],
  ...(resources === undefined ? {} : { resources: [...resources] }),
});

/** Whether the settings ask for a consumer. */
export const isActive = ({ when }: Pick<Consumer, 'when'>, settings: Pick<Settings, 'orderMails'>): boolean =>
  when === undefined || settings[when];
