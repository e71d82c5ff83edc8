import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { CustomResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { jobs } from '../../functions/jobs.ts';
import { grantsOf } from '../grants.ts';
import { HandlerFunction, type StageContext, writesTo } from './handler-function.ts';
import { functionNameOf } from './names.ts';

/** The function behind the custom resource, bundled with the handlers. */
export const runner = { handler: 'deploy/run-migrations', source: 'infra/deploy/run-migrations.ts' };

const folder = new URL('../../lib/database/migrations/', import.meta.url);

/**
 * Runs the migrations of a release during its deployment. A failed migration fails the deployment of this stack; the stacks
 * with handlers come after it, so the old code goes on serving.
 */
export class Migrations extends Construct {
  constructor(scope: Construct, id: string, context: StageContext) {
    super(scope, id);
    const { profile } = context.settings;
    const job = jobs.migrate;
    const { migrating } = context.database;
    const migrate = new HandlerFunction(this, 'Migrate', {
      ...context,
      handler: job.handler,
      description: 'Applies the migrations of a release',
      grants: grantsOf({ kind: 'job', row: job }, context.settings.payments.provider),
      // Less than the 15 minutes of the runner, which must outlive it to report a time-out.
      timeoutSeconds: Math.min(job.timeoutSeconds, 840),
      ...(migrating === undefined ? {} : { environment: migrating.environment }),
    }).function;
    for (const statement of migrating?.statements ?? []) migrate.addToRolePolicy(statement);

    const logGroup = new logs.LogGroup(this, 'RunnerLog', {
      logGroupName: `/counterfoil/${profile.stage}/${runner.handler}`,
      retention: profile.logDays,
      removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    const run = new lambda.Function(this, 'Runner', {
      functionName: functionNameOf(profile.stage, runner.handler),
      description: 'Answers CloudFormation for the migrations of a deployment',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      code: context.codeOf(runner.handler),
      handler: 'index.handler',
      timeout: Duration.minutes(15),
      role: new iam.Role(this, 'RunnerRole', {
        assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
        inlinePolicies: {
          runner: new iam.PolicyDocument({
            statements: [
              writesTo(logGroup),
              new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [migrate.functionArn] }),
            ],
          }),
        },
      }),
      environment: { MIGRATE_FUNCTION: migrate.functionName },
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
    });

    const resource = new CustomResource(this, 'Applied', {
      resourceType: 'Custom::CounterfoilMigrations',
      serviceToken: run.functionArn,
      serviceTimeout: Duration.minutes(16),
      properties: releaseOf(folder),
    });
    resource.node.addDependency(migrate, run);
  }
}

/** Properties whose change runs the custom resource again, and nothing else does: the newest migration's name and a hash of all migrations. */
export function releaseOf(directory: URL): { Newest: string; Content: string } {
  const files = readdirSync(directory)
    .filter((file) => /\.(up|data)\.sql$/.test(file))
    .toSorted();
  const newest = files.findLast((file) => file.endsWith('.up.sql'))!;
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n${readFileSync(new URL(file, directory), 'utf8')}\n`);
  return { Newest: newest.replace('.up.sql', ''), Content: hash.digest('hex').slice(0, 32) };
}
