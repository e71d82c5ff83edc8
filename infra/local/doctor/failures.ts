import { type Finding, fail } from './check.ts';

/** Why a connection or a log-in failed, and what it means. Codes are of Node, of OpenSSL, and SQLSTATEs of PostgreSQL. */
const reasons: readonly { codes: RegExp; text: string; mend: string; page?: string }[] = [
  {
    codes: /^ECONNREFUSED$/,
    text: 'Nothing listens there: the connection was refused.',
    mend: 'npm start on a laptop; on AWS check DATABASE_HOST and that the proxy exists',
    page: 'docs/runbooks/proxy-refuses-clients.md',
  },
  {
    codes: /^(ETIMEDOUT|CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH)$/,
    text: 'No answer: a firewall, a security group or a route drops the packets.',
    mend: 'run this inside the network of the stage; see Querying the database in docs/runbooks/README.md',
    page: 'docs/runbooks/README.md',
  },
  {
    codes: /^(ENOTFOUND|EAI_AGAIN)$/,
    text: 'The name is not known: it is mistyped, or only the network of the stage resolves it.',
    mend: 'check DATABASE_HOST',
  },
  {
    codes: /CERT|SELF_SIGNED|UNABLE_TO|^ERR_TLS|ERR_SSL|^EPROTO$/,
    text: 'TLS failed: the certificate is not trusted, has expired, or is for another name.',
    mend: 'set DATABASE_CA_FILE to the PEM file of the authority; on a laptop restart npm start, which renews .local/tls',
  },
  {
    codes: /^28(000|P01)$/,
    text: 'The log-in was refused: the token was signed with other credentials, has expired after 15 minutes, or the role lacks rds_iam.',
    mend: 'restart npm start on a laptop (its credentials change with each start); on AWS check rds-db:connect in the policy, and the clock',
    page: 'docs/runbooks/proxy-refuses-clients.md',
  },
  {
    codes: /^53(300|400)$/,
    text: 'All connections are taken.',
    mend: 'see who holds them: select usename, state, count(*) from pg_stat_activity group by 1, 2',
    page: 'docs/runbooks/database-full.md',
  },
  {
    codes: /^3D000$/,
    text: 'The database does not exist.',
    mend: 'check DATABASE_NAME; on a laptop npm start -- --reset',
  },
  {
    codes: /^(42501|42P01|3F000)$/,
    text: 'The role lacks a right, or a table is missing: the migrations do not fit the code.',
    mend: 'npm run migrate -- status',
    page: 'docs/migrations.md',
  },
  {
    codes: /^57014$/,
    text: 'A statement took too long and was cut.',
    mend: 'see the slow statements below',
    page: 'docs/runbooks/slow-requests.md',
  },
  {
    codes: /^(57P0[123]|CONNECTION_(CLOSED|ENDED|DESTROYED)|ECONNRESET|EPIPE)$/,
    text: 'The server is starting, stopping or failing over.',
    mend: 'wait a minute and run the doctor again',
    page: 'docs/runbooks/failover.md',
  },
  {
    codes: /^(ResourceNotFoundException|StateMachineDoesNotExist)$/,
    text: 'The resource does not exist: the stage is deployed in part, or in another region.',
    mend: 'check AWS_REGION, and deploy again',
  },
  {
    codes:
      /^(AccessDenied\w*|UnrecognizedClientException|InvalidSignatureException|ExpiredToken\w*|CredentialsProviderError)$/,
    text: 'AWS does not take the credentials, or they may not do this.',
    mend: 'aws sts get-caller-identity, and restart npm start on a laptop',
  },
];

/** What a failure of a connection means. */
export function explain(what: string, error: unknown): Finding {
  const { code, name, message } = rootOf(error);
  const known = reasons.find(({ codes }) => codes.test(code ?? '') || codes.test(name));
  if (known === undefined) return fail(`${what}: ${name}: ${message}`);
  return fail(`${what}: ${known.text} (${code ?? name})`, known.mend, known.page);
}

/** The error under a wrapper, such as that of `fetch` or of several addresses that were tried. */
function rootOf(error: unknown): { code: string | undefined; name: string; message: string } {
  const { code, name, message, cause, errors } = error as Error & { code?: string; errors?: unknown[] };
  if (code === undefined && cause instanceof Error) return rootOf(cause);
  if (code === undefined && errors?.[0] !== undefined) return rootOf(errors[0]);
  return {
    code: typeof code === 'string' ? code : undefined,
    name: name ?? 'Error',
    message: message ?? String(error),
  };
}
