import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/**
 * A queue of what could not be delivered or handled, kept for 14 days. An alarm watches each of them.
 * @param of what is in it, for the explanation that cdk-nag asks for
 */
export function deadLetterQueue(
  scope: Construct,
  id: string,
  { of, keeps }: { of: string; keeps: boolean },
): sqs.Queue {
  const queue = new sqs.Queue(scope, id, {
    encryption: sqs.QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    removalPolicy: keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
  });
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: `This is the dead-letter queue of ${of}; an alarm watches it.`,
  });
  return queue;
}
