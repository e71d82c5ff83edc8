import { gunzipSync } from 'node:zlib';
import * as contract from '../../lib/contract/api/system.ts';
import { docsPolicy, packedPage } from '../../lib/contract/docs/page.static.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

let page: string | undefined;

export async function run(): Promise<Result> {
  page ??= gunzipSync(Buffer.from(packedPage, 'base64')).toString();
  return {
    status: 200,
    headers: { 'content-security-policy': docsPolicy },
    body: { contentType: 'text/html; charset=utf-8', text: page },
  };
}

export const handler = httpHandler(routes['get-docs'], contract.getDocs, run, () => undefined);
