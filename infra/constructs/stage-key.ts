import { type IAspect, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct, IConstruct } from 'constructs';

const use = ['kms:Decrypt', 'kms:Encrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'];

/**
 * The key of a stage, under which everything lies that the stage stores. Its policy is written as that of a key of AWS: who
 * may use a table or a queue may use the key through it, and through nothing else.
 */
export class StageKey extends kms.Key {
  constructor(scope: Construct, id: string, { name, removalPolicy }: { name: string; removalPolicy: RemovalPolicy }) {
    super(scope, id, { description: `What ${name} stores`, enableKeyRotation: true, removalPolicy });
    const { account, region, partition } = Stack.of(this);
    const allow = (principal: iam.IPrincipal, conditions: Record<string, Record<string, unknown>>) =>
      this.addToResourcePolicy(
        new iam.PolicyStatement({ principals: [principal], actions: use, resources: ['*'], conditions }),
      );
    allow(new iam.AnyPrincipal(), {
      StringEquals: {
        'kms:CallerAccount': account,
        'kms:ViaService': ['dynamodb', 'sqs', 's3', 'secretsmanager'].map(
          (service) => `${service}.${region}.amazonaws.com`,
        ),
      },
    });
    allow(new iam.ServicePrincipal(`logs.${region}.amazonaws.com`), {
      ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:*` },
    });
    // An alarm publishes to the encrypted topic by itself.
    allow(new iam.ServicePrincipal('cloudwatch.amazonaws.com'), { StringEquals: { 'aws:SourceAccount': account } });
  }
}

/** Puts every table, log group, queue, topic and bucket under a key, also those that are added one day. */
export class UnderKey implements IAspect {
  readonly #key: kms.IKey;

  constructor(key: kms.IKey) {
    this.#key = key;
  }

  visit(node: IConstruct): void {
    const { keyArn } = this.#key;
    if (node instanceof CfnLogGroup) {
      node.kmsKeyId = keyArn;
    } else if (node instanceof CfnTable) {
      node.sseSpecification = { sseEnabled: true, sseType: 'KMS', kmsMasterKeyId: keyArn };
    } else if (node instanceof CfnQueue) {
      node.sqsManagedSseEnabled = undefined;
      node.kmsMasterKeyId = keyArn;
    } else if (node instanceof CfnBucket) {
      const serverSideEncryptionByDefault = { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn };
      node.bucketEncryption = {
        serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault, bucketKeyEnabled: true }],
      };
    } else if (node instanceof CfnTopic) {
      node.kmsMasterKeyId = keyArn;
    }
  }
}
