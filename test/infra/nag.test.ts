import { Bucket } from 'aws-cdk-lib/aws-s3';
import { expect, test } from 'vitest';
import { synthesized } from './synthesized.ts';

test.each(['dev', 'prod'] as const)('cdk-nag has no finding in %s that is not explained', (profile) => {
  expect(() => synthesized(profile)).not.toThrow();
});

test('a resource that cdk-nag objects to stops the synthesis', () => {
  expect(() => synthesized('dev', ({ data }) => new Bucket(data, 'Open'))).toThrow(/AwsSolutions-S1\b/);
});
