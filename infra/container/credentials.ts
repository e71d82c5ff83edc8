import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { watchAwsCalls } from '../../lib/platform/aws/caller.ts';
import type { AwsCredentials } from '../../lib/platform/config.ts';

/** What a service answers whose caller has credentials that have ended. */
const isOfCredentials = /\b(ExpiredToken|UnrecognizedClient)Exception\b/;

/**
 * The credentials of a container, from the first of the SDK's sources that has some: the environment, a profile, the token file of a web
 * identity (IRSA), the endpoint of the container (ECS, EKS Pod Identity), or the instance (IMDSv2). Those that expire are read anew
 * from five minutes before, and at once when a service refuses them.
 * @throws CredentialsProviderError from a call when no source has any, or the one that has does not answer
 */
export function containerCredentials(): () => Promise<AwsCredentials> {
  const read = defaultProvider({ maxRetries: 2 });
  let refused = false;
  watchAwsCalls(async (_, send) => {
    const answer = await send();
    if (answer.status >= 400 && isOfCredentials.test(answer.text)) refused = true;
    return answer;
  });
  return async () => {
    if (!refused) return read();
    refused = false;
    // What was there may still do.
    return read({ forceRefresh: true }).catch(() => read());
  };
}
