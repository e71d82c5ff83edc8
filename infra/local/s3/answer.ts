import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Store } from '../../../lib/analytics/warehouse/store.ts';

export type Answer = { status: number; headers?: Record<string, string>; body?: string | Uint8Array };

/** The most that a list has in one answer. */
const mostListed = 1000;

/**
 * Answers one request of S3 from a folder: the operations and conditions that the warehouse and exports of reports use, with the
 * bucket's name in the path. Who may ask is for the caller to say.
 */
export async function answerS3(store: Store, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url!, 'http://s3');
  const key = decodeURIComponent(pathname.split('/').slice(2).join('/'));
  if (key === '' && request.method === 'GET') return list(store, searchParams);
  if (key === '' && request.method === 'POST' && searchParams.has('delete')) return removeAll(store, request);
  if (!/^[\w=.-]+(\/[\w=.-]+)*$/.test(key) || key.split('/').includes('..'))
    return failed(400, 'InvalidRequest', `not a key that is used here: ${key}`);
  switch (request.method) {
    case 'GET':
      return described(await get(store, key, request.headers.range), key, searchParams);
    case 'HEAD': {
      const size = await store.size(key);
      return size === undefined ? { status: 404 } : { status: 200, headers: { 'content-length': String(size) } };
    }
    case 'PUT':
      return put(store, key, request);
    default:
      return failed(405, 'MethodNotAllowed', `${request.method} is not here`);
  }
}

async function get(store: Store, key: string, range: string | undefined): Promise<Answer> {
  const size = await store.size(key);
  if (size === undefined) return failed(404, 'NoSuchKey', `${key} does not exist`);
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (start === undefined) return { status: 200, body: (await store.read(key))! };
  const last = Math.min(Number(end), size - 1);
  if (Number(start) > last) return failed(416, 'InvalidRange', `${key} has ${size} bytes`);
  const body = await store.slice(key, Number(start), last + 1);
  return { status: 206, headers: { 'content-range': `bytes ${start}-${last}/${size}` }, body };
}

/** With the type of the object, and what a link asks a browser to do with it. */
function described(answer: Answer, key: string, asked: URLSearchParams): Answer {
  if (answer.status >= 300) return answer;
  const type = types[key.slice(key.lastIndexOf('.') + 1)];
  const disposition = asked.get('response-content-disposition');
  const headers = {
    ...answer.headers,
    ...(type !== undefined && { 'content-type': type }),
    ...(disposition !== null && { 'content-disposition': disposition }),
  };
  return { ...answer, headers };
}

const types: Readonly<Record<string, string>> = { csv: 'text/csv', parquet: 'application/vnd.apache.parquet' };

async function put(store: Store, key: string, request: IncomingMessage): Promise<Answer> {
  const content = await buffer(request);
  if (request.headers['if-none-match'] !== '*') await store.write(key, content);
  else if (!(await store.create(key, content))) return failed(412, 'PreconditionFailed', `${key} exists`);
  return { status: 200 };
}

async function list(store: Store, asked: URLSearchParams): Promise<Answer> {
  const after = asked.get('continuation-token') ?? '';
  const left = (await store.list(asked.get('prefix') ?? '')).filter((path) => path > after);
  const page = left.slice(0, mostListed);
  const more = left.length > page.length;
  const contents = page.map((path) => `<Contents><Key>${escaped(path)}</Key></Contents>`).join('');
  const next = more ? `<NextContinuationToken>${escaped(page.at(-1)!)}</NextContinuationToken>` : '';
  return xml(200, `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents}</ListBucketResult>`);
}

async function removeAll(store: Store, request: IncomingMessage): Promise<Answer> {
  const text = (await buffer(request)).toString('utf8');
  await store.remove([...text.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key!.replaceAll('&amp;', '&')));
  return xml(200, '<DeleteResult/>');
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const xml = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body,
});
export const failed = (status: number, code: string, message = ''): Answer =>
  xml(status, `<Error><Code>${code}</Code><Message>${escaped(message)}</Message></Error>`);
