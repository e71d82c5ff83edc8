import { type App, Aspects, Tags, Validations } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import { UnderKey } from './constructs/stage-key.ts';
import type { Settings } from './settings.ts';
import { BackupStack } from './stacks/backup-stack.ts';
import { DataStack } from './stacks/data-stack.ts';
import { EventsStack } from './stacks/events-stack.ts';
import { HttpStack } from './stacks/http-stack.ts';
import { JobsStack } from './stacks/jobs-stack.ts';
import { MonitoringStack } from './stacks/monitoring-stack.ts';
import { PlatformStack } from './stacks/platform-stack.ts';
import { SagaStack } from './stacks/saga-stack.ts';

export type Stacks = ReturnType<typeof counterfoil>;

/**
 * The stacks of a stage, checked by cdk-nag. They are deployed in this order: data; platform, which runs the migrations;
 * saga; the contexts and jobs; monitoring. Account and region are those of the command line's credentials.
 * @param codeOf the package of a handler, by its name
 */
export function counterfoil(app: App, settings: Settings, codeOf: (handler: string) => lambda.Code) {
  const { stage, keeps } = settings.profile;
  const idOf = (stack: string) => `counterfoil-${stage}-${stack}`;
  const holding = (what: string) => ({ description: `Counterfoil ${stage}: ${what}`, terminationProtection: keeps });

  const data = new DataStack(app, idOf('data'), {
    ...holding('network, database, tables, customers’ logins'),
    settings,
  });
  const { network, database, tables, identity } = data;
  const platform = new PlatformStack(app, idOf('platform'), {
    ...holding('migrations, HTTP API'),
    context: { settings, network, database, tables, issuer: identity.issuer, codeOf },
    key: data.key,
  });
  const { context } = platform;
  const { api, handlersLog } = platform.http;
  const saga = new SagaStack(app, idOf('saga'), { ...holding('order saga'), context });
  const http = (serves: HttpStack['serves']) =>
    new HttpStack(app, idOf(serves), {
      ...holding(`HTTP handlers of ${serves}`),
      context,
      apiId: api.apiId,
      logGroup: handlersLog,
      serves,
    });
  const [accounts, shop, operations] = [http('accounts'), http('shop'), http('operations')];
  const analytics = http('analytics');
  const events = new EventsStack(app, idOf('events'), { ...holding('domain events'), context });
  const jobs = new JobsStack(app, idOf('jobs'), {
    ...holding('schedules, records of accesses'),
    context,
    httpLog: handlersLog,
    apiId: api.apiId,
    stateMachines: saga.stateMachines,
  });

  // A dev stage holds nothing worth restoring, and a small one has the cluster's own backups.
  const backup = settings.profile.vault
    ? new BackupStack(app, idOf('backup'), { ...holding('backups, restore tests'), context, key: data.key })
    : undefined;

  const last = [accounts, shop, operations, analytics, events, jobs, ...(backup === undefined ? [] : [backup])];
  const handlers = [saga, ...last].flatMap((stack) => stack.handlers);
  const monitoring = new MonitoringStack(app, idOf('monitoring'), {
    description: `Counterfoil ${stage}: alarms, dashboard`,
    alarmEmail: settings.alarmEmail,
    resources: {
      stage,
      testsRestores: backup !== undefined && settings.brought.database === undefined,
      watchesObjectives: settings.profile.watchesObjectives,
      isWhole: settings.profile.monitoring === 'whole',
      apiId: api.apiId,
      httpLog: handlersLog.logGroupName,
      stateMachines: saga.stateMachines,
      handlers: Object.fromEntries(handlers.map((handler) => [handler.node.id, handler.functionName])),
      ...data.monitored,
      ...jobs.monitored,
      ...events.monitored,
    },
  });

  saga.addStackDependency(platform);
  // A rule of the jobs is on the bus, which it names.
  jobs.addStackDependency(events);
  // What starts executions finds the definition of its own release.
  for (const stack of last) stack.addStackDependency(saga);
  for (const stack of last) monitoring.addStackDependency(stack);
  Tags.of(app).add('product', 'counterfoil');
  Tags.of(app).add('stage', stage);
  if (data.key !== undefined) Aspects.of(app).add(new UnderKey(data.key));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return {
    data,
    platform,
    saga,
    accounts,
    shop,
    operations,
    analytics,
    events,
    jobs,
    ...(backup === undefined ? {} : { backup }),
    monitoring,
  };
}
