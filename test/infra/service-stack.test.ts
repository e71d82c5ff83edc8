import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { consumers } from '../../functions/consumers.ts';
import { isScheduled, type Job, jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import { releaseOf } from '../../infra/constructs/migrations.ts';
import { functionNameOf } from '../../infra/constructs/names.ts';
import { stands } from '../../infra/grants.ts';
import { profiles } from '../../infra/profiles.ts';
import { stateMachines } from '../../lib/contract/deploy/route.ts';
import { definitions, stepOf } from '../support/definitions.ts';
import {
  functionOf,
  type Output,
  ofType,
  type Resource,
  stacksOf,
  stripeSecret,
  synthesized,
  type Template,
  webhookSecret,
} from './synthesized.ts';

const stages = { dev: synthesized('dev'), prod: synthesized('prod') };

/** Routes of a stage: dev has simulated payments, prod Stripe's. */
const deployed = (stage: 'dev' | 'prod') =>
  Object.values(routes).filter(({ provider }) => provider !== (stage === 'dev' ? 'stripe' : 'simulated'));

/** All but what restore tests start, which stands in a stack of its own. */
const jobsOfRelease = (stage: 'dev' | 'prod') =>
  Object.values<Job>(jobs).filter((job) => job.schedule !== 'on-restore' && stands(job, profiles[stage]));

describe.each(['dev', 'prod'] as const)('%s', (stage) => {
  const { service } = stages[stage];
  const versionOf = (functionId: string): string | undefined =>
    ofType(service, 'AWS::Lambda::Version').find(
      ([, { Properties }]) => Properties.FunctionName.Ref === functionId,
    )?.[0];
  const timeoutOf = (handler: string): number => functionOf(service, stage, handler)[1].Properties.Timeout;

  test('every route of the table leads to its function', () => {
    const found = ofType(service, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
      const integration = Properties.Target['Fn::Join'][1][1].Ref;
      const uri = JSON.stringify(service.Resources[integration]!.Properties.IntegrationUri);
      // Behind an alias it is the function of the alias.
      const alias = service.Resources[JSON.parse(uri).Ref ?? '']?.Properties.FunctionName;
      return [Properties.RouteKey, alias?.Ref ?? uri.match(/"([A-Za-z]+Function[0-9A-F]{8})"/)![1]];
    });
    const expected = deployed(stage).map(({ method, path, handler }) => [
      path === '$default' ? path : `${method} ${path}`,
      functionOf(service, stage, handler)[0],
    ]);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  test('integrations speak payload format 2.0', () => {
    for (const [, { Properties }] of ofType(service, 'AWS::ApiGatewayV2::Integration')) {
      expect(Properties.PayloadFormatVersion).toBe('2.0');
    }
  });

  test.each(Object.entries(definitions))(
    'the definition of %s is deployed unchanged, with each placeholder a version of a function',
    (name, definition) => {
      const machines = ofType(service, 'AWS::StepFunctions::StateMachine');
      expect(machines).toHaveLength(stateMachines.length);
      const [, { Properties }] = machines.find(
        ([, each]) => each.Properties.StateMachineName === `counterfoil-${stage}-order-${name}`,
      )!;
      expect(JSON.parse(Properties.DefinitionString)).toEqual(definition);
      const used = new Set(Object.values(definition.States).map(stepOf));
      expect(Properties.DefinitionSubstitutions).toEqual(
        Object.fromEntries(
          Object.entries(steps)
            .filter(([step]) => used.has(step))
            .map(([step, { handler }]) => [step, { Ref: versionOf(functionOf(service, stage, handler)[0]) }]),
        ),
      );
      expect(Properties).toMatchObject({
        StateMachineType: 'STANDARD',
        LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
      });
    },
  );

  test('functions are named by their handlers', () => {
    const named = ofType(service, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties.FunctionName);
    const handlers = [
      ...deployed(stage).map(({ handler }) => handler),
      ...[...Object.values(steps), ...jobsOfRelease(stage), ...Object.values(streams)].map(({ handler }) => handler),
      ...Object.values(consumers).map(({ handler }) => handler),
      'deploy/run-migrations',
    ];
    expect(named.toSorted()).toEqual(handlers.map((handler) => functionNameOf(stage, handler)).toSorted());
    for (const name of named) expect(name).toMatch(/^[a-z-]{1,64}$/);
  });

  test('the monitoring stack refers to nothing that a release may remove', () => {
    const { monitoring } = stages[stage];
    const exporters = Object.fromEntries(
      stacksOf(stages[stage]).flatMap(([, { Outputs = {}, Resources }]) =>
        (Object.values(Outputs) as Output[]).flatMap(({ Value, Export }) =>
          Export === undefined ? [] : [[Export.Name, Resources[idIn(Value)]!.Type]],
        ),
      ),
    );
    const referredTo = [...JSON.stringify(monitoring).matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(
      ([, name]) => name!,
    );
    expect(new Set(referredTo.map((name) => exporters[name]))).toEqual(
      new Set([
        'AWS::ApiGatewayV2::Api',
        'AWS::Logs::LogGroup',
        'AWS::SQS::Queue',
        'AWS::DynamoDB::Table',
        'AWS::RDS::DBCluster',
        'AWS::RDS::DBInstance',
        'AWS::RDS::DBProxy',
        ...(stage === 'prod' ? ['AWS::KMS::Key'] : []),
      ]),
    );
  });

  test('every function runs node 24 on arm64 and logs JSON', () => {
    for (const [id, { Properties }] of ofType(service, 'AWS::Lambda::Function')) {
      expect(Properties, id).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        LoggingConfig: { LogFormat: 'JSON' },
      });
    }
  });

  test('a function ends before its caller times out', () => {
    for (const { handler, waits } of deployed(stage)) expect(timeoutOf(handler), handler).toBe(waits ? 29 : 10);
    for (const [name, { handler }] of Object.entries(steps)) {
      const states = Object.values(definitions).flatMap(({ States }) => Object.values(States));
      for (const state of states.filter((each) => stepOf(each) === name)) {
        expect(timeoutOf(handler), handler).toBeLessThan(state.TimeoutSeconds ?? 15);
      }
    }
    for (const { name, handler, timeoutSeconds } of jobsOfRelease(stage)) {
      if (name !== 'migrate') expect(timeoutOf(handler), name).toBe(timeoutSeconds);
    }
    expect(timeoutOf(jobs.migrate.handler)).toBeLessThan(timeoutOf('deploy/run-migrations'));
  });

  test('no function of this release is deployed before its migrations have run', () => {
    const { platform, after } = stages[stage];
    const [, resource] = ofType(platform, 'Custom::CounterfoilMigrations')[0]!;
    const [migrate] = functionOf(platform, stage, jobs.migrate.handler);
    const [runner] = functionOf(platform, stage, 'deploy/run-migrations');
    expect(ofType(platform, 'AWS::Lambda::Function').map(([id]) => id)).toEqual([migrate, runner]);
    const comesAfter = (name: keyof typeof after): boolean =>
      after[name].includes('platform') || after[name].some(comesAfter);
    const withFunctions = stacksOf(stages[stage]).filter(
      // What empties buckets of a stage that keeps nothing is not of the release.
      ([, each]) => ofType(each, 'AWS::Lambda::Function').some(([id]) => !id.startsWith('CustomS3AutoDeleteObjects')),
    );
    const backup = stage === 'prod' ? ['backup'] : [];
    expect(withFunctions.map(([name]) => name)).toEqual([
      'platform',
      'saga',
      'accounts',
      'shop',
      'operations',
      'analytics',
      'events',
      'jobs',
      ...backup,
    ]);
    for (const [name] of withFunctions.slice(1)) expect(comesAfter(name as keyof typeof after), name).toBe(true);
    expect(resource.DependsOn).toEqual(expect.arrayContaining([migrate, runner]));
    expect(resource.Properties).toMatchObject(releaseOf(new URL('../../lib/database/migrations/', import.meta.url)));
    expect(Number(resource.Properties.ServiceTimeout)).toBeGreaterThan(timeoutOf('deploy/run-migrations'));
  });

  test('the schedules are those of the table', () => {
    const found = ofType(service, 'AWS::Scheduler::Schedule').map(([, { Properties }]) => [
      Properties.ScheduleExpression,
      Properties.Target.Arn['Fn::GetAtt'][0],
    ]);
    const expected = (Object.values(jobs) as Job[])
      .filter((job) => isScheduled(job) && stands(job, profiles[stage]))
      .map(({ schedule, handler }) => [schedule, functionOf(service, stage, handler)[0]]);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  test('a failed run of a job is not retried before its next schedule', () => {
    const [told] = functionOf(service, stage, jobs['send-notices'].handler);
    const [notices, ...configs] = ofType(service, 'AWS::Lambda::EventInvokeConfig')
      .map(([, { Properties }]) => Properties)
      .filter(({ DestinationConfig }) => DestinationConfig === undefined)
      .toSorted((one) => (one.FunctionName.Ref === told ? -1 : 1));
    // Nothing else would tell people again.
    expect(notices).toMatchObject({ FunctionName: { Ref: told }, MaximumRetryAttempts: 2 });
    expect(configs).toHaveLength(ofType(service, 'AWS::Scheduler::Schedule').length);
    for (const config of configs)
      expect(config).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
  });

  test('access records and domain events are retried, and what failed for good waits in a queue', () => {
    const expected = [
      ['streams/record-access', 'AccessRecordsUndelivered'] as const,
      ...Object.values(consumers).map(({ handler }) => [handler, 'EventsUndelivered'] as const),
    ];
    const found = ofType(service, 'AWS::Lambda::EventInvokeConfig')
      .map(([, { Properties }]) => Properties)
      .filter(({ DestinationConfig }) => DestinationConfig !== undefined);
    expect(found).toHaveLength(expected.length);
    for (const [handler, queueName] of expected) {
      const [id] = functionOf(service, stage, handler);
      const [queue] = ofType(service, 'AWS::SQS::Queue').find(([each]) => each.startsWith(queueName))!;
      expect(found.find(({ FunctionName }) => FunctionName.Ref === id)).toMatchObject({
        MaximumRetryAttempts: 2,
        MaximumEventAgeInSeconds: 6 * 3600,
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [queue, 'Arn'] } } },
      });
    }
  });

  test('events are kept for a month', () => {
    expect(ofType(service, 'AWS::Events::Archive').map(([, { Properties }]) => Properties.RetentionDays)).toEqual([30]);
  });

  test('the access log knows no person', () => {
    const [, { Properties }] = ofType(service, 'AWS::ApiGatewayV2::Stage')[0]!;
    const { Format } = Properties.AccessLogSettings;
    expect(JSON.parse(Format)).toMatchObject({ requestId: '$context.requestId', route: '$context.routeKey' });
    expect(Format).not.toMatch(/sourceIp|userAgent|caller|authorizer|\$context\.path|header/i);
  });

  test('the stage holds back what no honest traffic reaches', () => {
    const [, { Properties }] = ofType(service, 'AWS::ApiGatewayV2::Stage')[0]!;
    expect(Properties.DefaultRouteSettings).toEqual({
      ThrottlingRateLimit: stage === 'dev' ? 100 : 1000,
      ThrottlingBurstLimit: stage === 'dev' ? 200 : 500,
    });
  });

  test('a function’s environment is what its handler needs and no more', () => {
    const names = (handler: string) => {
      const { STAGE, ...others } = functionOf(service, stage, handler)[1].Properties.Environment.Variables;
      expect(STAGE, handler).toBe(stage);
      return Object.keys(others).toSorted();
    };
    expect(names('http/get-openapi')).toEqual(['LIMITS_TABLE']);
    const forCustomers = [
      'APPLICATIONS_TABLE',
      'IDENTITIES_TABLE',
      'IDENTITY_ISSUER',
      'ISSUER_KEYS_TABLE',
      'LIMITS_TABLE',
      'SESSIONS_TABLE',
    ];
    expect(names('http/sign-out')).toEqual(forCustomers);
    const withDatabase = [...forCustomers, 'DATABASE_HOST', 'DATABASE_NAME'];
    // Back offices order with a key, and an order that is sold out is announced without a saga.
    const forPlacing = ['APP_KEYS_TABLE', 'EVENT_BUS_NAME', 'PLACING_STATE_MACHINE_ARN', 'STATE_MACHINE_ALIAS'];
    expect(names('http/place-order')).toEqual([...withDatabase, ...forPlacing].toSorted());
    expect(names('http/get-health')).toEqual([
      'CAPTURING_STATE_MACHINE_ARN',
      'COMPENSATING_STATE_MACHINE_ARN',
      'DATABASE_HOST',
      'DATABASE_NAME',
      'PLACING_STATE_MACHINE_ARN',
      'REFUNDING_STATE_MACHINE_ARN',
      'RELEASE',
      'SESSIONS_TABLE',
    ]);
    // A task token is enough to resume an execution.
    expect(names('saga/await-payment')).toEqual(['AWAITED_PAYMENTS_TABLE', 'DATABASE_HOST', 'DATABASE_NAME']);
    expect(names('saga/reserve-stock')).toEqual(['DATABASE_HOST', 'DATABASE_NAME']);
    expect(names('saga/charge-payment')).toEqual(
      stage === 'dev' ? ['CHARGES_TABLE', 'PAYMENT_PROVIDER'] : ['PAYMENT_PROVIDER', 'STRIPE_SECRET_ARN'],
    );
  });
});

test('nothing that is deployed or published can move the clock', () => {
  const openapi = readFileSync(new URL('../../lib/contract/api/assets/openapi.json', import.meta.url), 'utf8');
  for (const text of [JSON.stringify(stages), openapi, JSON.stringify(routes)]) {
    expect(text).toContain('/orders');
    expect(text).not.toMatch(/test-?clock/i);
  }
});

test('the endpoint for simulated payments is not in prod, and Stripe’s webhook is only where Stripe charges', () => {
  const keysOf = (stage: 'dev' | 'prod') =>
    ofType(stages[stage].service, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties.RouteKey);
  expect(keysOf('dev')).toContain('POST /simulated-payments/{orderId}');
  expect(keysOf('dev')).not.toContain('POST /webhooks/stripe');
  expect(keysOf('prod')).toContain('POST /webhooks/stripe');
  expect(keysOf('prod').join()).not.toContain('simulated');
});

test('prod’s webhook knows what signs events by its ARN alone', () => {
  const [, { Properties }] = functionOf(stages.prod.service, 'prod', 'http/receive-stripe-event');
  expect(Properties.Environment.Variables).toMatchObject({ STRIPE_WEBHOOK_SECRET_ARN: webhookSecret });
  expect(Properties.Environment.Variables).not.toHaveProperty('STRIPE_SECRET_ARN');
  expect(Properties.VpcConfig).toBeUndefined();
});

test('prod charges by stripe, and knows the secret by its ARN alone', () => {
  const [, { Properties }] = functionOf(stages.prod.service, 'prod', 'saga/charge-payment');
  expect(Properties.Environment.Variables).toEqual({
    STAGE: 'prod',
    PAYMENT_PROVIDER: 'stripe',
    STRIPE_SECRET_ARN: stripeSecret,
  });
});

const extended = synthesized('dev', { context: { catalogMaxAge: '60', traces: 'on' } });

test.each<[string, Template, boolean]>([
  ['dev', stages.dev.service, false],
  ['prod', stages.prod.service, false],
  ['a stage that asks for it', extended.service, true],
])('X-Ray traces %s: functions and state machines, or none', (_, template, traced) => {
  const functions = ofType(template, 'AWS::Lambda::Function').filter(
    ([, { Properties }]) => Properties.Environment?.Variables.STAGE !== undefined,
  );
  const machines = ofType(template, 'AWS::StepFunctions::StateMachine');
  expect(functions.length).toBeGreaterThan(100);
  for (const [id, { Properties }] of functions) {
    expect(Properties.TracingConfig?.Mode, id).toBe(traced ? 'Active' : undefined);
    const role = Properties.Role['Fn::GetAtt'][0];
    const rights = JSON.stringify(template.Resources[role]!.Properties.Policies ?? []);
    expect(rights.includes('xray:PutTraceSegments'), id).toBe(traced);
  }
  for (const [id, { Properties }] of machines)
    expect(Properties.TracingConfiguration?.Enabled ?? false, id).toBe(traced);
});

describe('a CDN of the catalogue', () => {
  const { platform, shop } = extended;
  const ofCdn = (type: string) => ofType(platform, `AWS::CloudFront::${type}`).map(([, { Properties }]) => Properties);
  const [distribution] = ofCdn('Distribution');
  const { DefaultCacheBehavior, CacheBehaviors, Origins, CustomErrorResponses } = distribution.DistributionConfig;

  test('is only there if somebody asks for it', () => {
    const types = stacksOf(synthesized('dev')).flatMap(([, { Resources }]) => Object.values(Resources));
    expect(types.filter(({ Type }) => /CloudFront|SecretsManager/.test(Type))).toEqual([]);
  });

  test('reads the catalogue, and nothing else', () => {
    const paths = CacheBehaviors.map(({ PathPattern }: { PathPattern: string }) => PathPattern);
    expect(paths).toEqual(['/products', '/products/prd_*', '/categories']);
    for (const { AllowedMethods, FunctionAssociations } of CacheBehaviors) {
      expect(AllowedMethods).toEqual(['GET', 'HEAD', 'OPTIONS']);
      expect(FunctionAssociations).toBeUndefined();
    }
    expect(DefaultCacheBehavior.FunctionAssociations).toHaveLength(1);
    expect(ofCdn('Function')[0].FunctionCode).toContain('statusCode: 404');
  });

  test('keeps an answer no longer than it promises, for callers with the same credentials, and no failure', () => {
    expect(ofCdn('CachePolicy')[0].CachePolicyConfig).toMatchObject({
      MinTTL: 0,
      DefaultTTL: 0,
      MaxTTL: 60,
      ParametersInCacheKeyAndForwardedToOrigin: {
        HeadersConfig: { HeaderBehavior: 'whitelist', Headers: ['Authorization', 'Client-Id', 'Origin'] },
        QueryStringsConfig: { QueryStringBehavior: 'all' },
      },
    });
    expect(
      CustomErrorResponses.map(({ ErrorCachingMinTTL }: { ErrorCachingMinTTL: number }) => ErrorCachingMinTTL),
    ).toEqual(Array(8).fill(0));
  });

  test('proves to the functions that read the catalogue, and to no others, that a request comes from it', () => {
    const reference = '{{resolve:secretsmanager:counterfoil/dev/edge-key}}';
    const headers = Origins.flatMap(
      ({ OriginCustomHeaders }: { OriginCustomHeaders: object[] }) => OriginCustomHeaders,
    );
    expect(headers).toEqual([{ HeaderName: 'Counterfoil-Edge-Key', HeaderValue: reference }]);
    const knowing = ofType(shop, 'AWS::Lambda::Function')
      .map(([, { Properties }]) => Properties)
      .filter(({ Environment }) => Environment.Variables.EDGE_KEY !== undefined);
    expect(knowing.map(({ FunctionName }) => FunctionName)).toEqual([
      'counterfoil-dev-http-list-products',
      'counterfoil-dev-http-get-product',
      'counterfoil-dev-http-list-variants',
      'counterfoil-dev-http-list-categories',
    ]);
    for (const { Environment } of knowing)
      expect(Environment.Variables).toMatchObject({ EDGE_KEY: reference, CATALOG_MAX_AGE_SECONDS: '60' });
  });
});

test('prod runs one of each job at a time and mails its alarms; dev asks for neither', () => {
  const reserved = (stage: 'dev' | 'prod') =>
    ofType(stages[stage].service, 'AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties.ReservedConcurrentExecutions === 1,
    );
  expect(reserved('prod')).toHaveLength(Object.values(jobs).filter(isScheduled).length);
  expect(reserved('dev')).toHaveLength(0);
  const told = (stage: 'dev' | 'prod') =>
    ofType(stages[stage].monitoring, 'AWS::SNS::Subscription').map(([, { Properties }]) => Properties);
  expect(told('prod').map(({ Protocol }) => Protocol)).toEqual(['email', 'lambda']);
  expect(told('prod')[0].Endpoint).toBe('duty@example.com');
  expect(told('dev').map(({ Protocol }) => Protocol)).toEqual(['lambda']);
});

test('SNS may call the function that tells people, for the alarms’ topic alone', () => {
  const { monitoring } = stages.dev;
  const [[topic]] = ofType(monitoring, 'AWS::SNS::Topic') as [[string, unknown]];
  const [[, { Properties }]] = ofType(monitoring, 'AWS::Lambda::Permission') as [[string, Resource]];
  expect(Properties).toMatchObject({ Principal: 'sns.amazonaws.com', SourceArn: { Ref: topic } });
  expect(JSON.stringify(Properties.FunctionName)).toContain(':function:counterfoil-dev-jobs-send-notices');
});

/** The logical id that a reference names. */
const idIn = (value: unknown): string => {
  const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: string[] };
  return Ref ?? attribute![0]!;
};
