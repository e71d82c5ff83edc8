import { Bucket } from 'aws-cdk-lib/aws-s3';
import { expect, test } from 'vitest';
import { stripeSecret, synthesized } from './synthesized.ts';

test.each(['dev', 'staging', 'small', 'prod'] as const)(
  'cdk-nag and CloudFormation’s rules find nothing in %s that is not explained',
  (profile) => {
    expect(() => synthesized(profile, { everyCheck: true })).not.toThrow();
  },
);

const brought = {
  vpcId: 'vpc-0123456789abcdef0',
  vpcSubnets: 'subnet-00000000:eu-west-1a:rtb-00000000,subnet-00000001:eu-west-1b:rtb-00000001',
  databaseHost: 'shop.abc.eu-west-1.rds.amazonaws.com',
  databaseGroup: 'sg-0123456789abcdef1',
  databaseSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-database-AbCdEf',
};

test.each([
  ['dev', brought],
  ['prod', {}],
] as const)(
  'nor in %s with a CDN, traces, and metrics for Prometheus, and in dev with a database of the shop',
  (profile, own) => {
    const metricsSecretArn = stripeSecret.replace('stripe', 'metrics');
    const context = { catalogMaxAge: '60', traces: 'on', metricsSecretArn, ...own };
    expect(() => synthesized(profile, { everyCheck: true, context })).not.toThrow();
  },
);

test('a resource that cdk-nag objects to stops the synthesis', () => {
  expect(() => synthesized('dev', { also: ({ data }) => new Bucket(data, 'Open') })).toThrow(/AwsSolutions-S1\b/);
});
