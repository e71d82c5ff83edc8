import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { reportExportDays } from '../../../lib/contract/deploy/retention.ts';
import type { Clock } from '../../../lib/kernel/clock.ts';
import { diskStore } from '../../warehouse/disk-store.ts';
import { forThisMachine, listenOn, portOf } from '../loopback.ts';
import { type Answer, answerS3, failed } from '../s3/answer.ts';
import { type Credentials, refusalOf } from '../s3/links.ts';

export type LocalReportFiles = { endpoint: string; bucket: string; stop(): Promise<void> };

type Options = { folder: string; credentials: Credentials; clock: Clock };

const bucket = 'report-files';
const keptMs = reportExportDays * 24 * 3600_000;
const fileNames = /^\/report-files\/exports\/(rex_[0-9a-f]{32}\.(?:csv|parquet))$/;

/**
 * The bucket of exported reports on a laptop: puts a file, serves it to whoever has a link that is signed and has not expired, and ends
 * it by the bucket's lifecycle.
 */
export async function startReportFiles({ folder, credentials, clock }: Options): Promise<LocalReportFiles> {
  const store = diskStore(folder);
  const fileOf = (name: string) => join(folder, 'exports', name);

  async function endOldFiles(): Promise<void> {
    for (const name of await readdir(join(folder, 'exports')).catch(() => [])) {
      const { mtimeMs } = await stat(fileOf(name));
      if (mtimeMs < clock.now() - keptMs) await rm(fileOf(name), { force: true });
    }
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const name = fileNames.exec(url.pathname)?.[1];
    await endOldFiles();
    if (name === undefined) return failed(404, 'NoSuchKey');
    if (request.method === 'GET') {
      const refused = await refusalOf(url, { credentials, clock });
      return refused === undefined ? answerS3(store, request) : failed(refused.status, refused.code);
    }
    if (request.method !== 'PUT') return failed(405, 'MethodNotAllowed');
    const answered = await answerS3(store, request);
    const now = new Date(clock.now());
    await utimes(fileOf(name), now, now);
    return answered;
  }

  const server = createServer(
    forThisMachine(async (request, response) => {
      const { status, headers, body } = await answer(request).catch(() => failed(500, 'InternalError'));
      response.writeHead(status, headers).end(body);
    }),
  );
  await listenOn('127.0.0.1', 0, server);
  return {
    endpoint: `http://127.0.0.1:${portOf(server)}`,
    bucket,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
