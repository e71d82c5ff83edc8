import { fetchIssuerKeys } from '../../lib/auth/identity/issuer-documents.gateway.ts';
import { type RefreshDeps, refreshIssuerKeys } from '../../lib/auth/identity/refresh.ts';
import { config, tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { jobs } from '../jobs.ts';

/** Copies the identity provider's public keys to DynamoDB, for handlers that cannot reach the internet. */
export const run = (deps: RefreshDeps) => refreshIssuerKeys(deps);

export const handler = jobHandler(jobs['refresh-issuer-keys'], run, ({ clock, meter }) => ({
  issuer: config().IDENTITY_ISSUER,
  store: { client: dynamo(), table: tableName('issuerKeys'), clock },
  fetchKeys: fetchIssuerKeys,
  meter,
}));
