import { setTimeout as sleep } from 'node:timers/promises';
import { AthenaClient } from '@aws-sdk/client-athena';
import { S3Client } from '@aws-sdk/client-s3';
import { HistoryBroken, type Warehouse, type WarehouseState } from '../analytics/history.ts';
import { askAthena } from '../analytics/warehouse/athena.gateway.ts';
import { currentFile, manifestVersion } from '../analytics/warehouse/files.ts';
import { s3Store } from '../analytics/warehouse/s3.gateway.ts';
import { BrokenFile, readJson, type Store } from '../analytics/warehouse/store.ts';
import { DependencyUnavailable } from '../kernel/errors.ts';
import { awsCredentials, config } from './config.ts';

/** Less than a handler may take. */
const usualMs = 7500;

/** The warehouse of this stage; null where there is none. The clients are made for its first question. */
export function warehouse(askMs = usualMs): Warehouse | null {
  const { WAREHOUSE_BUCKET, WAREHOUSE_DATABASE, WAREHOUSE_WORKGROUP } = config();
  if (WAREHOUSE_BUCKET === undefined) return null;
  const [store, athena] = [once(openStore), once(openAthena)];
  return {
    newest: () =>
      available(async () => {
        const state = await readJson<WarehouseState & { version: number }>(store(), currentFile);
        return state?.version === manifestVersion ? state : undefined;
      }),
    query: (state, statement) =>
      available(async () => {
        const at = { client: athena(), workGroup: WAREHOUSE_WORKGROUP, database: WAREHOUSE_DATABASE, sleep };
        return askAthena(at, state.number, statement, askMs);
      }),
  };
}

/** The warehouse's files, which a load writes. */
export function openStore(): Store {
  const { WAREHOUSE_BUCKET: bucket, AWS_REGION: region } = config();
  if (bucket === undefined) throw new Error('WAREHOUSE_BUCKET is not set');
  const client = new S3Client({
    region,
    credentials: awsCredentials,
    maxAttempts: 3,
    // The bucket's name in the path works with a stand-in too.
    forcePathStyle: true,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 20_000, throwOnRequestTimeout: true },
  });
  return s3Store(client, bucket);
}

function openAthena(): AthenaClient {
  return new AthenaClient({
    region: config().AWS_REGION,
    credentials: awsCredentials,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  });
}

function once<T>(open: () => T): () => T {
  let opened: T | undefined;
  return () => (opened ??= open());
}

/** @throws HistoryBroken, DependencyUnavailable */
async function available<T>(asking: () => Promise<T>): Promise<T> {
  try {
    return await asking();
  } catch (error) {
    if (error instanceof HistoryBroken) throw error;
    if (error instanceof BrokenFile) throw new HistoryBroken(error.message, { cause: error });
    throw new DependencyUnavailable('warehouse', { cause: error });
  }
}
