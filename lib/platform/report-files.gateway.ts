import { Hash } from '@smithy/hash-node';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { DependencyUnavailable } from '../kernel/errors.ts';
import { awsHost } from './aws/host.ts';
import { clock } from './clock.ts';
import { awsCredentials, config } from './config.ts';

/** Keeps files of reports in S3. A file ends by the bucket's lifecycle. */
export type ReportFiles = {
  /** @throws DependencyUnavailable */
  put(name: string, file: { bytes: Buffer; contentType: string }): Promise<void>;
  /** A link to a file that works for so many seconds without credentials. It asks nobody. */
  linkTo(name: string, options: { seconds: number; fileName: string }): Promise<string>;
};

const putMs = 60_000;

/** The files of this stage; undefined where there is no bucket. */
export function reportFiles(): ReportFiles | undefined {
  const { REPORT_FILES_BUCKET: bucket, REPORT_FILES_URL: endpoint, AWS_REGION: region } = config();
  if (bucket === undefined) return undefined;
  const base = new URL(endpoint === undefined ? `https://${awsHost(`${bucket}.s3`, region)}` : `${endpoint}/${bucket}`);
  const request = (method: string, name: string) =>
    new HttpRequest({
      method,
      protocol: base.protocol,
      hostname: base.hostname,
      ...(base.port === '' ? {} : { port: Number(base.port) }),
      path: `${base.pathname.replace(/\/$/, '')}/${name}`,
      headers: { host: base.host },
    });
  const signer = () =>
    new SignatureV4({
      service: 's3',
      region,
      credentials: awsCredentials,
      sha256: Hash.bind(null, 'sha256') as never,
      uriEscapePath: false,
    });
  const signingDate = () => new Date(clock.now());
  return {
    async put(name, { bytes, contentType }) {
      const asked = request('PUT', name);
      asked.headers['content-type'] = contentType;
      asked.body = bytes;
      const { headers } = await signer().sign(asked, { signingDate: signingDate() });
      const response = await fetch(addressOf(asked), {
        method: 'PUT',
        headers,
        body: bytes as never,
        signal: AbortSignal.timeout(putMs),
      }).catch((cause: unknown) => {
        throw new DependencyUnavailable('files', { cause });
      });
      if (!response.ok) {
        const cause = new Error(`PUT answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
        throw new DependencyUnavailable('files', { cause });
      }
    },
    async linkTo(name, { seconds, fileName }) {
      const asked = request('GET', name);
      asked.query = { 'response-content-disposition': `attachment; filename="${fileName}"` };
      asked.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      const signed = await signer().presign(asked, { expiresIn: seconds, signingDate: signingDate() });
      return addressOf(signed as HttpRequest);
    },
  };
}

function addressOf({ protocol, hostname, port, path, query }: HttpRequest): string {
  const parameters = Object.entries(query ?? {}).map(([key, value]) => `${encode(key)}=${encode(String(value))}`);
  const search = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${search}`;
}

/** By RFC 3986, as the signature counts it. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
