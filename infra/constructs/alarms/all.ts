import type { Parts } from '../monitored-resources.ts';
import { audit, identityProvider, lostMails, requests } from './callers.ts';
import { database, jobsThatDoNotRun, tables } from './infrastructure.ts';
import { brokenInvariants, disagreements, stuckOrders } from './orders.ts';
import type { AlarmSpec } from './spec.ts';

/** Every alarm of a stage. */
export const alarms = (parts: Parts): AlarmSpec[] => [
  ...brokenInvariants(),
  ...stuckOrders(parts),
  ...disagreements(),
  ...lostMails(),
  ...requests(parts),
  ...identityProvider(),
  ...audit(parts),
  ...jobsThatDoNotRun(parts),
  ...database(parts),
  ...tables(parts),
];
