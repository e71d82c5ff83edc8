/*
 * These replace parts of the AWS SDK and of the PostgreSQL driver that no handler uses, because loading them would slow down every start. Each throws
 * an error when it is called.
 */

const absent = (what: string, code?: string) => Object.assign(new Error(`this bundle has no ${what}`), { code });

/** The default credential chain, with its readers of files, containers and single sign-on. */
export const defaultProvider = () => async (): Promise<never> => {
  // Handlers pass the credentials of their role: `awsCredentials` in lib/platform/config.ts.
  throw absent('default credential chain: pass credentials to the client');
};
export const fromNodeProviderChain = defaultProvider;

/** The readers of `~/.aws`. A function has no such files; the code ENOENT tells the SDK so. */
export const filePromises = {};
export const fileIntercept = {};
export const tokenIntercept = {};
export const readFile = noFiles;
export const getSSOTokenFromFile = noFiles;

/** Node has its own. */
export class Sha256Js {
  constructor() {
    throw absent('SHA-256 besides that of Node');
  }
}

/** The driver's `sql.subscribe`. */
export default () => (): never => {
  throw absent('logical replication');
};

async function noFiles(): Promise<never> {
  throw absent('AWS configuration files', 'ENOENT');
}
