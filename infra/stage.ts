import { type App, Tags, Validations } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readSettings } from './profiles.ts';
import { DataStack } from './stacks/data-stack.ts';
import { ServiceStack } from './stacks/service-stack.ts';

/**
 * The two stacks of a stage, as the app's context asks for them, checked by cdk-nag. Neither knows its account or
 * region: it is deployed wherever the credentials of the command line lead.
 * @throws SettingError when the context asks for what cannot be
 */
export function counterfoil(app: App, codeOf: (door: string) => lambda.Code): { data: DataStack; service: ServiceStack } {
  const settings = readSettings(app.node);
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
    description: `Counterfoil ${name}: functions, HTTP API, saga, schedules, alarms`,
    terminationProtection: keeps,
  });
  Tags.of(app).add('product', 'counterfoil');
  Tags.of(app).add('stage', name);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { data, service };
}
