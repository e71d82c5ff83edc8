import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The folders of a stack's two clusters. After a failover the second one is the primary. */
export const clusterFolders = ['postgres', 'postgres-2'] as const;
/** The folder of the standby that serves reads. */
export const readerFolder = 'postgres-reader';
type ClusterFolder = (typeof clusterFolders)[number];

const fileOf = (directory: string): string => join(directory, 'primary');

async function readPrimary(directory: string): Promise<ClusterFolder> {
  const name = (await readFile(fileOf(directory), 'utf8').catch(() => '')).trim();
  return name === clusterFolders[1] ? clusterFolders[1] : clusterFolders[0];
}

/** The folder of the cluster that takes writes. */
export const primaryFolder = async (directory: string): Promise<string> =>
  join(directory, await readPrimary(directory));

/** The folder of the other cluster, for a standby. */
export const standbyFolder = async (directory: string): Promise<string> =>
  join(directory, (await readPrimary(directory)) === clusterFolders[0] ? clusterFolders[1] : clusterFolders[0]);

/** Makes the other cluster the one that takes writes, also after a restart of the stack. */
export async function swapPrimary(directory: string): Promise<void> {
  const next = (await readPrimary(directory)) === clusterFolders[0] ? clusterFolders[1] : clusterFolders[0];
  await writeFile(`${fileOf(directory)}.draft`, `${next}\n`, { flush: true });
  await rename(`${fileOf(directory)}.draft`, fileOf(directory));
}
