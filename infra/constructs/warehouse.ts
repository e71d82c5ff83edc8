import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as athena from 'aws-cdk-lib/aws-athena';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { athenaResultDays, deletedFileDays } from '../../lib/contract/deploy/retention.ts';
import type { Profile } from '../profiles.ts';
import { warehouseBucketOf, warehouseWorkgroupOf } from './names.ts';
import { type Asker, mayAsk, resultsOf } from './warehouse-rights.ts';
import { WarehouseTables } from './warehouse-tables.ts';

/** The most that one query may read, in bytes: what costs half a cent for reports, and half a dollar for people. */
const mostScanned: Record<Asker, number> = { reports: 10 ** 9, analysts: 10 ** 11 };

/**
 * The warehouse of a stage: a bucket with the files that loads write, the tables by which Athena finds those of a state, a
 * workgroup for reports and one for people, and the role of analysts. It is there with any settings, as the tables are: empty it costs
 * nothing, and a bucket that was kept could not come again under its name.
 */
export class Warehouse extends Construct {
  readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, { profile, key }: { profile: Profile; key: kms.IKey | undefined }) {
    super(scope, id);
    this.bucket = new s3.Bucket(this, 'Bucket', {
      bucketName: warehouseBucketOf(this, profile.stage),
      ...(key === undefined
        ? { encryption: s3.BucketEncryption.S3_MANAGED }
        : { encryption: s3.BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }),
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      // Files never change. Versions are for those that somebody deletes.
      versioned: profile.keeps,
      lifecycleRules: [
        { id: 'answers', prefix: 'results/', expiration: Duration.days(athenaResultDays) },
        { id: 'unfinished', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        ...(profile.keeps ? [{ id: 'deleted', noncurrentVersionExpiration: Duration.days(deletedFileDays) }] : []),
      ],
      // S3 deletes no bucket that has files.
      autoDeleteObjects: !profile.keeps,
      removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Who asked what is in the history of Athena’s queries and in CloudTrail; functions alone read the rest.',
    });
    new WarehouseTables(this, 'Tables', { stage: profile.stage, bucket: this.bucket.bucketName });
    this.workgroup('reports', profile, key);
    this.workgroup('analysts', profile, key);
    const analyst = this.analyst(profile);
    new CfnOutput(Stack.of(this), 'WarehouseBucket', { value: this.bucket.bucketName });
    new CfnOutput(Stack.of(this), 'AnalystRole', { value: analyst.roleArn });
  }

  private workgroup(asker: Asker, { stage, keeps }: Profile, key: kms.IKey | undefined): void {
    new athena.CfnWorkGroup(this, asker === 'reports' ? 'Reports' : 'Analysts', {
      name: warehouseWorkgroupOf(stage, asker),
      description: asker === 'reports' ? 'History for /reports' : 'Questions of analysts',
      // A workgroup with queries in its history could not be deleted.
      recursiveDeleteOption: !keeps,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: mostScanned[asker],
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${this.bucket.bucketName}/${resultsOf(asker)}`,
          expectedBucketOwner: Stack.of(this).account,
          encryptionConfiguration:
            key === undefined ? { encryptionOption: 'SSE_S3' } : { encryptionOption: 'SSE_KMS', kmsKey: key.keyArn },
        },
      },
    });
  }

  /** What people take on who query the warehouse. The account's own policies say who may. */
  private analyst({ stage }: Profile): iam.Role {
    return new iam.Role(this, 'Analyst', {
      roleName: `counterfoil-${stage}-analyst`,
      description: 'Queries the warehouse with Athena, and nothing else; customers are pseudonyms in it',
      assumedBy: new iam.AccountPrincipal(Stack.of(this).account),
      maxSessionDuration: Duration.hours(8),
      inlinePolicies: { queries: new iam.PolicyDocument({ statements: mayAsk(this, stage, 'analysts') }) },
    });
  }
}
