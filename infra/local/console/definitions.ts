import { Template } from 'aws-cdk-lib/assertions';
import { consumers } from '../../../functions/consumers.ts';
import { jobs } from '../../../functions/jobs.ts';
import { routes } from '../../../functions/routes.ts';
import { steps } from '../../../functions/steps.ts';
import { streams } from '../../../functions/streams.ts';
import type { StateMachineName } from '../../../lib/contract/deploy/route.ts';
import { tables } from '../../../lib/contract/deploy/tables.ts';
import type { MonitoredResources } from '../../monitoring/resources.ts';
import { MonitoringStack } from '../../stacks/monitoring-stack.ts';
import { withThrowawayApp } from '../../throwaway-app.ts';
import { localStage } from '../environment.ts';
import { readTemplate } from './dashboard.ts';

const allHandlers = [routes, steps, jobs, consumers, streams].flatMap((table) =>
  Object.values<{ handler: string }>(table).map(({ handler }) => handler),
);

/** What dashboards and alarms look at, by the names that the console gives to the parts of a laptop. */
export const localResources = (machines: Record<StateMachineName, string>): MonitoredResources => ({
  stage: localStage,
  testsRestores: false,
  watchesObjectives: true,
  isWhole: true,
  apiId: 'local',
  stateMachines: machines,
  cluster: 'local',
  writer: 'local',
  reader: undefined,
  proxy: 'local',
  tables: Object.fromEntries(Object.keys(tables).map((name) => [name, name])) as MonitoredResources['tables'],
  deadLetters: 'schedules',
  undeliveredAccesses: 'accesses',
  recordAccess: streams['record-access'].handler,
  undeliveredEvents: 'events',
  httpLog: 'functions.log',
  jobs: Object.fromEntries(Object.values(jobs).map(({ name, handler }) => [name, handler])),
  handlers: Object.fromEntries([...new Set(allHandlers)].map((handler) => [handler, handler])),
});

/** The dashboards and alarms that a deployment would have, from the same definitions. It takes CDK a second to make them. */
export function readDefinitions(machines: Record<StateMachineName, string>) {
  return withThrowawayApp({}, (app) => {
    const resources = localResources(machines);
    const stack = new MonitoringStack(app, 'Monitoring', { resources, alarmEmail: undefined });
    return readTemplate(Template.fromStack(stack).toJSON() as Parameters<typeof readTemplate>[0]);
  });
}
