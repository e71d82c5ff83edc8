import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { OperationContract, RawBody, SignedBody } from '../contract/api/operation.ts';
import { Problem } from '../contract/api/problems.ts';
import { type JsonFault, scanJson } from './json-scan.ts';

type Body = Pick<APIGatewayProxyEventV2, 'body' | 'isBase64Encoded'>;

/** The largest request body, in bytes. A signed body and a file have their own limits. */
export const maxBodyBytes = 64 * 1024;

/** How deep arrays and objects may be nested in a body. The deepest body of this API has four levels. */
export const maxDepth = 32;

/**
 * Checks a body before it is parsed: its size, its encoding, and for JSON its depth and its names.
 * @throws Problem body-too-large; unsupported-media-type when it is compressed; invalid-json when it is not UTF-8, is
 *   nested too deep or names a member twice; invalid-input when the operation takes none
 */
export function checkBody(contract: OperationContract, event: Pick<APIGatewayProxyEventV2, 'headers'> & Body): void {
  if (contract.unpublished) return;
  const bytes = Buffer.byteLength(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const maxBytes = contract.signed?.maxBytes ?? contract.raw?.maxBytes ?? maxBodyBytes;
  if (bytes > maxBytes) {
    throw new Problem('body-too-large', `The body has ${bytes} bytes. At most ${maxBytes} are allowed.`);
  }
  if (!/^(identity)?$/i.test(event.headers['content-encoding'] ?? '')) {
    throw new Problem('unsupported-media-type', 'Send the body without a Content-Encoding.', {
      headers: { 'accept-encoding': 'identity' },
    });
  }
  if (contract.signed !== undefined) return;
  if (contract.raw !== undefined && !contract.raw.types.includes(mediaTypeOf(event))) {
    throw new Problem('unsupported-media-type', `Send the body as ${contract.raw.types.join(' or ')}.`);
  }
  const text = decode(event);
  if (text === undefined) throw new Problem('invalid-json', 'The body is not encoded as UTF-8.');
  if (contract.raw !== undefined) {
    if (text.includes('\0')) throw new Problem('invalid-input', 'The body has a character that is no text.');
  } else if (contract.body !== undefined) {
    const fault = scanJson(text, maxDepth);
    if (fault !== undefined) throw new Problem('invalid-json', faults[fault]);
  } else if (bytes > 0) {
    const trimmed = text.trim();
    if (trimmed !== '' && !/^\{\s*\}$/.test(trimmed)) {
      throw new Problem('invalid-input', 'This operation takes no body.', {
        errors: [{ pointer: '', detail: 'must be empty' }],
      });
    }
  }
}

const faults: Readonly<Record<JsonFault, string>> = {
  'too-deep': `The body is nested deeper than ${maxDepth} levels.`,
  'duplicate-key': 'An object in the body has two members with the same name.',
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a body; undefined when its bytes are not UTF-8. A gateway may have put U+FFFD for such bytes already. */
function decode(event: Body): string | undefined {
  const text = event.isBase64Encoded ? decodeBytes(Buffer.from(event.body ?? '', 'base64')) : (event.body ?? '');
  return text?.includes('\ufffd') ? undefined : text;
}

function decodeBytes(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A body that must arrive as it was signed, with its signature. */
export const signedBody = ({ header }: { header: string }, event: APIGatewayProxyEventV2): SignedBody => ({
  text: textOf(event),
  signature: event.headers[header.toLowerCase()],
});

/** A file, and its media type. */
export const rawBody = (event: APIGatewayProxyEventV2): RawBody => ({ text: textOf(event), type: mediaTypeOf(event) });

const mediaTypeOf = ({ headers }: Pick<APIGatewayProxyEventV2, 'headers'>): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();

const textOf = ({ body, isBase64Encoded }: Body): string =>
  isBase64Encoded ? Buffer.from(body ?? '', 'base64').toString() : (body ?? '');
