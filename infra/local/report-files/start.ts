import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { reportExportDays } from '../../../lib/contract/deploy/retention.ts';
import type { Clock } from '../../../lib/kernel/clock.ts';
import { forThisMachine, listenOn, portOf } from '../loopback.ts';
import { type Credentials, type Refused, refusalOf } from './links.ts';

export type LocalReportFiles = { endpoint: string; bucket: string; stop(): Promise<void> };

type Options = { folder: string; credentials: Credentials; clock: Clock };

const bucket = 'report-files';
const keptMs = reportExportDays * 24 * 3600_000;
const types: Readonly<Record<string, string>> = { csv: 'text/csv', parquet: 'application/vnd.apache.parquet' };

/**
 * S3 on a laptop, as far as exports of reports need it: puts a file in a bucket, serves it to whoever has a link that is signed and has not
 * expired, and ends it by the bucket's lifecycle. Files are in a folder.
 */
export async function startReportFiles({ folder, credentials, clock }: Options): Promise<LocalReportFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fileOf = (name: string) => join(folder, name);

  async function endOldFiles(): Promise<void> {
    for (const name of await readdir(folder)) {
      const { mtimeMs } = await stat(fileOf(name));
      if (mtimeMs < clock.now() - keptMs) await rm(fileOf(name), { force: true });
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const name = /^\/report-files\/exports\/(rex_[0-9a-f]{32}\.(?:csv|parquet))$/.exec(url.pathname)?.[1];
    await endOldFiles();
    if (name === undefined) return refuse(response, { status: 404, code: 'NoSuchKey' });
    if (request.method === 'PUT') {
      const bytes = await buffer(request);
      // Whole or not at all, as in S3.
      await writeFile(fileOf(`.${name}`), bytes, { mode: 0o600 });
      const now = new Date(clock.now());
      await utimes(fileOf(`.${name}`), now, now);
      await rename(fileOf(`.${name}`), fileOf(name));
      response.writeHead(200).end();
      return;
    }
    if (request.method !== 'GET') return refuse(response, { status: 405, code: 'MethodNotAllowed' });
    const refused = await refusalOf(url, { credentials, clock });
    if (refused !== undefined) return refuse(response, refused);
    const bytes = await readFile(fileOf(name)).catch(() => undefined);
    if (bytes === undefined) return refuse(response, { status: 404, code: 'NoSuchKey' });
    const disposition = url.searchParams.get('response-content-disposition');
    response
      .writeHead(200, {
        'content-type': types[name.split('.')[1]!]!,
        'content-length': bytes.length,
        ...(disposition === null ? {} : { 'content-disposition': disposition }),
      })
      .end(bytes);
  }

  const server = createServer(
    forThisMachine((request, response) => {
      answer(request, response).catch(() => refuse(response, { status: 500, code: 'InternalError' }));
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

/** As S3 does. */
function refuse(response: ServerResponse, { status, code }: Refused): void {
  response
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>\n`);
}
