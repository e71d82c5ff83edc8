/**
 * Stands in for the AWS SDK's default credential chain in a bundle. Handlers hand their role's credentials over
 * themselves (`awsCredentials`), so the chain's readers of files, containers and single sign-on only cost start-up.
 * @throws Error when a client is made without credentials
 */
export const defaultProvider = () => noCredentials;
export const fromNodeProviderChain = defaultProvider;

async function noCredentials(): Promise<never> {
  throw new Error('this bundle has no default credential chain: pass credentials to the client');
}
