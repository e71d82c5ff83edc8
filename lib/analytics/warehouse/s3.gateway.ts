import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Store } from './store.ts';

/** What S3 deletes in one call. */
const mostAtOnce = 1000;

/** The files of a warehouse in a bucket. A file is there for everybody as soon as it is written. */
export function s3Store(client: S3Client, bucket: string): Store {
  const at = (path: string) => ({ Bucket: bucket, Key: path });
  const get = async (path: string, range?: string) => {
    const { Body } = await client.send(new GetObjectCommand({ ...at(path), Range: range }));
    return Body!.transformToByteArray();
  };
  return {
    read: (path) => get(path).catch(absent),
    slice: (path, start, end) => get(path, `bytes=${start}-${end - 1}`),
    size: async (path) => (await client.send(new HeadObjectCommand(at(path))).catch(absent))?.ContentLength,
    async write(path, content) {
      await client.send(new PutObjectCommand({ ...at(path), Body: content }));
    },
    async create(path, content) {
      try {
        await client.send(new PutObjectCommand({ ...at(path), Body: content, IfNoneMatch: '*' }));
        return true;
      } catch (error) {
        // 409: somebody else writes it now.
        if ([409, 412].includes(statusOf(error))) return false;
        throw error;
      }
    },
    async list(prefix) {
      const paths: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken }));
        for (const { Key } of page.Contents ?? []) paths.push(Key!);
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      return paths.toSorted();
    },
    async remove(paths) {
      for (let from = 0; from < paths.length; from += mostAtOnce) {
        const Objects = paths.slice(from, from + mostAtOnce).map((Key) => ({ Key }));
        const { Errors } = await client.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        );
        if (Errors?.[0] !== undefined) throw new Error(`S3 does not delete ${Errors[0].Key}: ${Errors[0].Message}`);
      }
    },
    uriOf: (path) => `s3://${bucket}/${path}`,
  };
}

const statusOf = (error: unknown): number =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;

function absent(error: unknown): undefined {
  if (statusOf(error) !== 404) throw error;
}
