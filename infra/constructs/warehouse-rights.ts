import { Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { warehouseBucketOf, warehouseDatabaseOf, warehouseWorkgroupOf } from './names.ts';

/** Who asks Athena: the functions of reports, or people. */
export type Asker = 'reports' | 'analysts';

/** Where in the bucket their answers lie. */
export const resultsOf = (asker: Asker): string => `results/${asker}/`;

/** What a load writes. Nobody else reads `key`, by which customers become pseudonyms. */
const written = ['key', 'lease.json', 'current.json', 'manifests/*', 'links/*', 'data/*'];

/** The rights to query the tables with one workgroup, and the newest state's number. */
export function mayAsk(scope: Construct, stage: string, asker: Asker): iam.PolicyStatement[] {
  const bucket = bucketArn(scope, stage);
  const stack = Stack.of(scope);
  const glue = (resource: string, resourceName?: string) =>
    stack.formatArn({ service: 'glue', resource, ...(resourceName === undefined ? {} : { resourceName }) });
  const database = warehouseDatabaseOf(stage);
  const read = ['current.json', 'links/*', 'data/*'];
  const answers = `${resultsOf(asker)}*`;
  acknowledge(scope, stage, [...read, answers], `glue:<AWS::Region>:<AWS::AccountId>:table/${database}/*`);
  return [
    new iam.PolicyStatement({
      actions: [
        'athena:StartQueryExecution',
        'athena:GetQueryExecution',
        'athena:GetQueryResults',
        'athena:StopQueryExecution',
      ],
      resources: [
        stack.formatArn({ service: 'athena', resource: 'workgroup', resourceName: warehouseWorkgroupOf(stage, asker) }),
      ],
    }),
    new iam.PolicyStatement({
      actions: ['glue:GetDatabase', 'glue:GetTable', 'glue:GetTables', 'glue:GetPartitions'],
      resources: [glue('catalog'), glue('database', database), glue('table', `${database}/*`)],
    }),
    new iam.PolicyStatement({
      actions: ['s3:GetObject'],
      resources: [...read, answers].map((path) => `${bucket}/${path}`),
    }),
    new iam.PolicyStatement({
      actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
      resources: [`${bucket}/${answers}`],
    }),
    // Without it, S3 says of a file that does not exist that it is forbidden.
    new iam.PolicyStatement({ actions: ['s3:ListBucket', 's3:GetBucketLocation'], resources: [bucket] }),
  ];
}

/** The rights of a load. */
export function mayLoad(scope: Construct, stage: string): iam.PolicyStatement[] {
  const bucket = bucketArn(scope, stage);
  acknowledge(scope, stage, written);
  return [
    new iam.PolicyStatement({
      actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      resources: written.map((path) => `${bucket}/${path}`),
    }),
    new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket] }),
  ];
}

/** The variables by which a function finds the warehouse. */
export const warehouseEnvironment = (scope: Construct, stage: string): Record<string, string> => ({
  WAREHOUSE_BUCKET: warehouseBucketOf(scope, stage),
  WAREHOUSE_DATABASE: warehouseDatabaseOf(stage),
  WAREHOUSE_WORKGROUP: warehouseWorkgroupOf(stage, 'reports'),
});

const bucketArn = (scope: Construct, stage: string): string =>
  Stack.of(scope).formatArn({
    service: 's3',
    region: '',
    account: '',
    resource: warehouseBucketOf(scope, stage),
  });

function acknowledge(scope: Construct, stage: string, paths: readonly string[], ...others: string[]): void {
  const files = paths
    .filter((path) => path.endsWith('*'))
    .map((path) => `s3:::counterfoil-${stage}-warehouse-<AWS::AccountId>-<AWS::Region>/${path}`);
  for (const resource of [...files, ...others]) {
    Validations.of(scope).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:${resource}]`,
      reason: 'Files are named by their content and tables by the schema: the rights are on all below one name.',
    });
  }
}
