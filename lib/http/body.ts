import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { OperationContract, SignedBody } from '../contract/api/operation.ts';
import { Problem } from '../contract/api/problems.ts';

type Body = Pick<APIGatewayProxyEventV2, 'body' | 'isBase64Encoded'>;

/** The largest request body, in bytes. A signed body has its own limit. */
export const maxBodyBytes = 64 * 1024;

/** How deep arrays and objects may be nested in a body. The deepest body of this API has four levels. */
export const maxDepth = 32;

/**
 * Checks the size and the depth of a body before it is parsed.
 * @throws Problem body-too-large; invalid-json when it is nested too deep; invalid-input when the operation takes none
 */
export function checkBody(contract: OperationContract, event: Body): void {
  if (contract.unpublished) return;
  const bytes = Buffer.byteLength(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const maxBytes = contract.signed?.maxBytes ?? maxBodyBytes;
  if (bytes > maxBytes) {
    throw new Problem('body-too-large', `The body has ${bytes} bytes. At most ${maxBytes} are allowed.`);
  }
  const text = textOf(event);
  if (contract.body !== undefined && isDeeperThan(maxDepth, text)) {
    throw new Problem('invalid-json', `The body is nested deeper than ${maxDepth} levels.`);
  }
  if (contract.body === undefined && contract.signed === undefined && bytes > 0) {
    const trimmed = text.trim();
    if (trimmed !== '' && !/^\{\s*\}$/.test(trimmed)) {
      throw new Problem('invalid-input', 'This operation takes no body.', {
        errors: [{ pointer: '', detail: 'must be empty' }],
      });
    }
  }
}

/** A body that must arrive as it was signed, with its signature. */
export const signedBody = ({ header }: { header: string }, event: APIGatewayProxyEventV2): SignedBody => ({
  text: textOf(event),
  signature: event.headers[header.toLowerCase()],
});

const textOf = ({ body, isBase64Encoded }: Body): string =>
  isBase64Encoded ? Buffer.from(body ?? '', 'base64').toString() : (body ?? '');

/** Whether arrays and objects in a JSON text are nested deeper than `max` levels. Does not parse the text. */
export function isDeeperThan(max: number, text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i++;
      else if (character === '"') inString = false;
    } else if (character === '"') {
      inString = true;
    } else if (character === '{' || character === '[') {
      depth++;
      if (depth > max) return true;
    } else if (character === '}' || character === ']') {
      depth--;
    }
  }
  return false;
}
