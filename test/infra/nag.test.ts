import { Bucket } from 'aws-cdk-lib/aws-s3';
import { expect, test } from 'vitest';
import { stripeSecret, synthesized } from './synthesized.ts';

test.each(['dev', 'staging', 'small', 'prod'] as const)(
  'cdk-nag and CloudFormation’s rules find nothing in %s that is not explained',
  (profile) => {
    expect(() => synthesized(profile, { everyCheck: true })).not.toThrow();
  },
);

test.each(['dev', 'prod'] as const)('nor in %s with a CDN, traces, and metrics for Prometheus', (profile) => {
  const metricsSecretArn = stripeSecret.replace('stripe', 'metrics');
  const context = { catalogMaxAge: '60', traces: 'on', metricsSecretArn };
  expect(() => synthesized(profile, { everyCheck: true, context })).not.toThrow();
});

test('a resource that cdk-nag objects to stops the synthesis', () => {
  expect(() => synthesized('dev', { also: ({ data }) => new Bucket(data, 'Open') })).toThrow(/AwsSolutions-S1\b/);
});
