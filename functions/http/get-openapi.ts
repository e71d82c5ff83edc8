import { gunzipSync } from 'node:zlib';
import { packedDocument } from '../../lib/contract/api/openapi.static.ts';
import * as contract from '../../lib/contract/api/system.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

let text: string | undefined;

export async function run(): Promise<Result> {
  text ??= gunzipSync(Buffer.from(packedDocument, 'base64')).toString();
  return { status: 200, body: { contentType: 'application/json', text } };
}

export const handler = httpHandler(routes['get-openapi'], contract.getOpenapi, run, () => undefined);
