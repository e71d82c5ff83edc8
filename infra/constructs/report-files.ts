import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { reportExportDays } from '../../lib/contract/deploy/retention.ts';
import type { Profile } from '../profiles.ts';
import { reportBucketOf } from './names.ts';

/** The bucket of exported reports, which empties itself. Functions of other stacks know it by its name. */
export class ReportFiles extends Construct {
  constructor(scope: Construct, id: string, { profile }: { profile: Profile }) {
    super(scope, id);
    const bucket = new s3.Bucket(this, 'Bucket', {
      bucketName: reportBucketOf(this, profile.stage),
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        { expiration: Duration.days(reportExportDays), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      // S3 deletes no bucket that has files.
      autoDeleteObjects: !profile.keeps,
      removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'The audit has who asked for each link to a file. A log of the bucket would need a bucket that keeps it.',
    });
  }
}
