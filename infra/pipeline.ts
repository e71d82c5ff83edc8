import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { SettingError } from './settings.ts';
import { type PipelineProps, PipelineStack } from './stacks/pipeline-stack.ts';

/**
 * The roles of the deployment workflow. They are an app of their own, which a person deploys: a pipeline that could deploy its own
 * role could give itself any right.
 * @throws SettingError saying what to pass instead
 */
export function pipeline(app: App): PipelineStack {
  const { repository, stage, providerArn } = readProps((name) => app.node.tryGetContext(name));
  const stack = new PipelineStack(app, `counterfoil-${stage}-pipeline`, {
    description: `Counterfoil ${stage}: roles of the deployment workflow`,
    terminationProtection: stage === 'prod',
    repository,
    stage,
    ...(providerArn === undefined ? {} : { providerArn }),
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return stack;
}

function readProps(given: (name: string) => unknown): Pick<PipelineProps, 'repository' | 'stage' | 'providerArn'> {
  const [repository, stage, providerArn] = [given('repository'), given('stage'), given('providerArn')];
  // GitHub compares the subject as it is: a wildcard or a colon in it would mean another one.
  if (typeof repository !== 'string' || !/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw new SettingError('pass -c repository=OWNER/NAME');
  if (stage !== 'staging' && stage !== 'prod') throw new SettingError('pass -c stage=staging or -c stage=prod');
  if (providerArn === undefined) return { repository, stage };
  if (
    typeof providerArn !== 'string' ||
    !/^arn:[\w-]+:iam::\d{12}:oidc-provider\/token\.actions\.githubusercontent\.com$/.test(providerArn)
  )
    throw new SettingError('providerArn is not the ARN of the identity provider token.actions.githubusercontent.com');
  return { repository, stage, providerArn };
}

if (import.meta.main) {
  try {
    const app = new App();
    pipeline(app);
    app.synth();
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
