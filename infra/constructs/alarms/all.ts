import type { MonitoredResources } from '../monitored-resources.ts';
import { audit, identityProvider, lostMails, requests } from './callers.ts';
import { database, jobsThatDoNotRun, tables } from './infrastructure.ts';
import { brokenInvariants, disagreements, stuckOrders } from './orders.ts';
import type { AlarmSpec } from './spec.ts';

/** Every alarm of a stage. */
export const alarms = (resources: MonitoredResources): AlarmSpec[] => [
  ...brokenInvariants(),
  ...stuckOrders(resources),
  ...disagreements(),
  ...lostMails(),
  ...requests(resources),
  ...identityProvider(),
  ...audit(resources),
  ...jobsThatDoNotRun(resources),
  ...database(resources),
  ...tables(resources),
];
