import { type App, Tags, Validations } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Settings } from './profiles.ts';
import { DataStack } from './stacks/data-stack.ts';
import { ServiceStack } from './stacks/service-stack.ts';
import { WatchStack } from './stacks/watch-stack.ts';

/**
 * The three stacks of a stage, checked by cdk-nag. Neither knows its account or region: it is deployed wherever the
 * credentials of the command line lead.
 */
export function counterfoil(
  app: App,
  settings: Settings,
  codeOf: (handler: string) => lambda.Code,
): { data: DataStack; service: ServiceStack; watch: WatchStack } {
  const { name, keeps } = settings.profile;
  const data = new DataStack(app, `counterfoil-${name}-data`, {
    settings,
    description: `Counterfoil ${name}: network, database, tables`,
    terminationProtection: keeps,
  });
  const service = new ServiceStack(app, `counterfoil-${name}-service`, {
    settings,
    data,
    codeOf,
    description: `Counterfoil ${name}: functions, HTTP API, saga, schedules`,
    terminationProtection: keeps,
  });
  const watch = new WatchStack(app, `counterfoil-${name}-watch`, {
    settings,
    resources: service.resources,
    description: `Counterfoil ${name}: alarms, dashboard`,
  });
  Tags.of(app).add('product', 'counterfoil');
  Tags.of(app).add('stage', name);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { data, service, watch };
}
