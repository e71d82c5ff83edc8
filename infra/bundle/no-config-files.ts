/**
 * Stands in for the AWS SDK's readers of `~/.aws` in a bundle: a function has no such files, and asking for them costs
 * its start `node:fs/promises` and its first call a look at the disk.
 */
export const filePromises = {};
export const fileIntercept = {};
export const tokenIntercept = {};
export const readFile = refuse;
export const getSSOTokenFromFile = refuse;

async function refuse(): Promise<never> {
  throw Object.assign(new Error('this bundle reads no AWS configuration files'), { code: 'ENOENT' });
}
